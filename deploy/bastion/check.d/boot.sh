# Sourced by check-boot, after the others: the same steps on containers with systemd.

on() {
    machine=$1
    shift
    podman exec -i "$name-$machine" "$@"
}

sallyport() { podman exec -i -w "$PWD" "$name-edge" sallyport "$@"; }

take_away() {
    status=$?
    trap - EXIT
    set +e
    [ "$status" = 0 ] || for machine in edge bastion; do on $machine journalctl --no-pager -n 30 -u 'sallyport*' -u ssh >&2; done
    podman rm -f -t 20 "$name-edge" "$name-bastion" >/dev/null 2>&1
    rm -rf "$box"
    exit "$status"
}

build_image() {
    # A container's mounts are private; systemd hands credentials over by mounts that must be shared.
    podman build -q --network host --format docker -t sallyport-bastion:check - >/dev/null <<'ENDING'
FROM sallyport-all:0.1.0
USER 0
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    systemd systemd-sysv dbus curl openssh-server openssh-client socat iproute2 procps >/dev/null 2>&1
HEALTHCHECK NONE
STOPSIGNAL SIGRTMIN+3
ENTRYPOINT ["sh", "-c", "mount --make-rshared / && exec /sbin/init"]
CMD []
ENDING
}

boot() {
    deploy=$(dirname "$here")
    podman run -d --name "$name-$1" --hostname "$1" --systemd=always --network none --cap-add SYS_ADMIN,SYS_PTRACE,NET_ADMIN \
        -v "$deploy:$deploy:ro" -v "$box:$box" sallyport-bastion:check >/dev/null
    wait_for 60 "systemd of the $1" is_up "$1"
    podman inspect "$name-$1" --format '{{.State.Pid}}' >"$box/$1.pid"
}
is_up() { on "$1" systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'; }

# As README.md says.
credential() {
    on "$1" install -d -m 0700 /etc/credstore.encrypted
    on "$1" systemd-creds encrypt --with-key=host --name="$(basename "$3")" "$3" "/etc/credstore.encrypted/sallyport.$(basename "$3")"
}
start_sshd() { on "$1" systemctl restart ssh.service; }

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
