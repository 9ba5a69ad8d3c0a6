# Sourced by check-boot, after the others: machines with systemd as their first process, and the same steps on them.

# boot MACHINE: namespaces of its own, Debian's own systemd units and none of this machine's; its journal and what it writes are in memory.
boot() {
    mkdir "$box/cgroup/$name-$1"
    # shellcheck disable=SC2016
    (
        echo 0 >"$box/cgroup/$name-$1/cgroup.procs"
        exec unshare --mount --net --uts --ipc --cgroup --pid --fork --kill-child --mount-proc sh -euc '
            hostname "$1"
            mount -t tmpfs tmpfs /mnt && cp -a /etc/. /mnt && mount --move /mnt /etc
            mount -t tmpfs tmpfs /mnt && mkdir -p "/mnt/${2#/tmp/}" && mount --rbind "$2" "/mnt/${2#/tmp/}" && mount --move /mnt /tmp
            # Where systemd looks for programs.
            mount --bind "$2/bin" /usr/local/bin
            for folder in /run /var/lib /var/tmp /var/log /home; do mount -t tmpfs tmpfs $folder; done
            mount -t sysfs sysfs /sys && mount -t cgroup2 cgroup2 /sys/fs/cgroup && mount -o remount,bind,ro /sys
            rm -rf /etc/sallyport* /etc/ssh/sshd_config.d/* /etc/ssh/ssh_host_* /etc/sysusers.d/sallyport* /etc/systemd/system/*
            cp /usr/share/openssh/sshd_config /etc/ssh/sshd_config
            sed -i "/^sallyport-/d; /^deploy:/d" /etc/passwd /etc/shadow /etc/group /etc/gshadow
            for unit in systemd-udevd.service systemd-udevd-kernel.socket systemd-udevd-control.socket systemd-tmpfiles-setup-dev.service \
                systemd-remount-fs.service dev-hugepages.mount dev-mqueue.mount getty.target console-getty.service; do
                ln -s /dev/null /etc/systemd/system/$unit
            done
            ln -s /lib/systemd/system/multi-user.target /etc/systemd/system/default.target
            : >/etc/fstab
            ip link set lo up
            # systemd hands credentials over by mounts that must be shared.
            mount --make-rshared /
            exec env -i container=sallyport PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
                /lib/systemd/systemd --log-target=console --show-status=no' sh "$1" "$box" </dev/null >"$box/$1.systemd.log" 2>&1
    ) &
    echo $! >"$box/$1.outside"
    wait_for 20 "the machine $1" first_of "$1"
    wait_for 60 "systemd of the machine $1" is_up "$1"
}
first_of() { pgrep -P "$(cat "$box/$1.outside")" >"$box/$1.pid"; }
is_up() { on "$1" systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'; }

on() {
    entry="nsenter --target $(cat "$box/$1.pid") --mount --net --uts --ipc --cgroup --pid -- env -i PATH=$box/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    shift
    $entry "$@"
}

take_away() {
    status=$?
    trap - EXIT
    set +e
    [ "$status" = 0 ] || for machine in edge bastion; do on $machine journalctl --no-pager -n 30 -u 'sallyport*' -u ssh >&2; done
    for machine in edge bastion; do kill -KILL "$(cat "$box/$machine.pid")" && wait "$(cat "$box/$machine.outside")"; done 2>/dev/null
    find "$box/cgroup/$name-edge" "$box/cgroup/$name-bastion" -depth -type d -exec rmdir {} +
    umount "$box/cgroup" "$box/bin"
    rm -rf "$box"
    exit "$status"
}

# As README.md says.
credential() {
    on "$1" install -d -m 0700 /etc/credstore.encrypted
    on "$1" systemd-creds encrypt --with-key=host --name="$(basename "$3")" "$3" "/etc/credstore.encrypted/sallyport.$(basename "$3")" 2>/dev/null
}
start_sshd() {
    on "$1" ssh-keygen -q -A >/dev/null
    on "$1" systemctl restart ssh.service
}

# The host is the edge's own sshd, at another address.
set_up_target() {
    on edge useradd --create-home --password '*' --shell /bin/sh deploy
    on edge install -d -o deploy -m 0700 /home/deploy/.ssh /run/deploy
    on edge install -o deploy -m 0600 "$box/secrets/deploy.line" /home/deploy/.ssh/authorized_keys
    wait_for 10 "the host's sshd" on bastion sallyport hosts scan $target --pin /etc/sallyport/known_hosts
    executor_settings
}

install_units() {
    on bastion systemctl disable -q --now ssh.service ssh.socket
    systemd=$here/../systemd
    on edge sh -c "install -m 0644 -t /etc/systemd/system $systemd/sallyport-ingress.service $systemd/*.socket && systemctl daemon-reload &&
        systemctl enable -q --now sallyport-ingress.service"
    on bastion sh -c "install -m 0644 -t /etc/systemd/system $systemd/sallyport-executor.service $here/sallyport-edge.socket $here/sallyport-edge@.service &&
        install -D -m 0644 -t /etc/systemd/system/sallyport-executor.service.d $systemd/sallyport-executor.service.d/hosts.conf &&
        install -D -m 0644 -t /etc/systemd/system/sallyport-edge@.service.d $here/sallyport-edge@.service.d/edge.conf &&
        systemctl daemon-reload && systemctl enable -q --now sallyport-edge.socket sallyport-executor.service"
}

# The process that carries the connection.
way() { on bastion pgrep -x -u sallyport-edge ssh | head -n 1; }
no_way() { [ -z "$(way)" ]; }

# A process with the addresses that the unit allows, and no others.
reaches() {
    on bastion timeout 20 systemd-run -q --pipe --wait --collect -p User=sallyport-edge -p "IPAddressDeny=$(value "$here/sallyport-edge@.service" IPAddressDeny)" \
        -p "IPAddressAllow=$(value "$here/sallyport-edge@.service.d/edge.conf" IPAddressAllow)" \
        socat -T 1 - "TCP:$1:22,connect-timeout=3" </dev/null 2>/dev/null | grep -q SSH
}
