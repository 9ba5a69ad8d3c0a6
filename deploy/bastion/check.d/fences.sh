# Sourced by check: what somebody who has the bastion's key tries beside the job socket, at four sshds on the edge. At port 22 both fences
# stand, as README.md says: the Match block and the options of the key. At 2201 the key's alone, at 2202 the block alone, and at 2203
# neither, where each attempt must succeed: else it would prove nothing.

start_fenced_sshds() {
    printf '%s\n' "$edge_key" >"$box/bare.keys"
    on edge install -m 0644 "$box/bare.keys" /etc/ssh/bare.keys
    on edge sh -c 'sed "/^Include/d" /etc/ssh/sshd_config >/etc/ssh/open.conf
        { cat /etc/ssh/open.conf && sed "s|AuthorizedKeysFile .*|AuthorizedKeysFile /etc/ssh/bare.keys|" /etc/ssh/sshd_config.d/*; } >/etc/ssh/block.conf'
    start_sshd edge -p 2201 -o PidFile=none -f /etc/ssh/open.conf -o AuthorizedKeysFile=/etc/ssh/sallyport-bastion.keys
    start_sshd edge -p 2202 -o PidFile=none -f /etc/ssh/block.conf
    start_sshd edge -p 2203 -o PidFile=none -f /etc/ssh/open.conf -o AuthorizedKeysFile=/etc/ssh/bare.keys
    # What is not done here: a forward, with the same command forced.
    printf '%s,port-forwarding %s\n' "$(sed 's/ ssh-ed25519.*//' "$box/authorized_keys")" "$edge_key" >"$box/forward.keys"
    on edge install -m 0644 "$box/forward.keys" /etc/ssh/forward.keys
    start_sshd edge -p 2204 -o PidFile=none -f /etc/ssh/open.conf -o AuthorizedKeysFile=/etc/ssh/forward.keys
    # A socket as the system bus is one: everybody may connect.
    on edge socat UNIX-LISTEN:/run/open.sock,fork,mode=666 SYSTEM:'echo got-open' 2>/dev/null &
    install -d -m 1777 "$box/tries"
}

# With the key, as the account that has it, and the settings that it comes with, but for what they turn off themselves.
with_key() {
    as sallyport-edge "${from:-bastion}" env CREDENTIALS_DIRECTORY="${keys:-/run/credentials/sallyport-edge@.service}" timeout 8 "$@" 2>>"${errors:-$box/tries.log}"
}
options() {
    echo "-F /etc/sallyport-edge/ssh_config -o ClearAllForwardings=no -o ExitOnForwardFailure=yes -o HostKeyAlias=$edge -o Port=$1"
}
attempt_command() { with_key ssh $(options "$1") edge 'echo got-$((6 * 7))' </dev/null | grep -qa got-42; }
attempt_shell() { echo 'echo got-$((6 * 7))' | with_key ssh $(options "$1") edge | grep -qa got-42; }
attempt_terminal() { echo 'echo got-$((6 * 7)); exit' | with_key ssh $(options "$1") -o RequestTTY=force edge | grep -qa got-42; }
attempt_sftp() { echo 'ls -1 /etc/passwd' | with_key sftp -b - $(options "$1") edge | grep -q '^/etc/passwd'; }
attempt_forward_tcp() {
    (printf 'GET /healthz HTTP/1.0\r\nHost: edge\r\n\r\n' && sleep 1) | with_key ssh $(options "$1") -W 127.0.0.1:9080 edge | grep -qa '200 OK'
}

# forwards PORT NAME SSH'S-OPTIONS: in the background; what it says is in $errors.
forwards() {
    errors=$box/tries/$2.$1.errors
    : >"$errors"
    port=$1
    shift 2
    (with_key ssh $(options "$port") -N "$@" edge || true; echo ended >>"$errors") &
}
# Tries a command until it succeeds, or ssh has ended or said that it was refused.
opened() {
    for _ in $(seq 40); do
        ! "$@" || return 0
        ! grep -qE 'ended|open failed|forwarding failed' "$errors" || return 1
        sleep 0.2
    done
    return 1
}
attempt_forward_dynamic() {
    forwards "$1" dynamic -D "127.0.0.1:1$1"
    opened on bastion curl -sf -o /dev/null -m 2 --socks5 "127.0.0.1:1$1" http://127.0.0.1:9080/healthz
}
attempt_forward_socket() {
    forwards "$1" socket -L "$box/tries/$1.local:/run/open.sock"
    opened answers "$box/tries/$1.local"
}
answers() { as sallyport-edge bastion timeout 2 socat -T 1 - "UNIX-CONNECT:$1" </dev/null 2>/dev/null | grep -q got-open; }
attempt_listen_tcp() {
    forwards "$1" listen -R "127.0.0.1:2$1:192.0.2.11:22"
    opened listens "127.0.0.1:2$1"
}
listens() { on edge ss -Hltn | grep -q "$1 "; }
attempt_listen_socket() {
    forwards "$1" listen-socket -R "$box/tries/$1.remote:192.0.2.11:22"
    opened test -S "$box/tries/$1.remote"
}
# What it is for: the ingress says hello.
attempt_job_socket() { (sleep 1) | with_key ssh $(options "$1") edge | grep -qa ingress; }
# From another address than the bastion's.
attempt_elsewhere() { (sleep 1; echo 'echo got-42') | from=wan keys=/run/stolen with_key ssh $(options "$1") edge | grep -qaE 'got-42|ingress'; }

# expect ATTEMPT PORT yes|no
expect() {
    if "attempt_$1" "$2"; then got=yes; else got=no; fi
    [ "$got" = "$3" ] || echo "$1 at port $2: $got, and not $3" >>"$box/tries.wrong"
    echo "$1 $2 $got" >>"$box/tries.done"
}

tried() { awk -v port="$1" -v got="$2" '$2 == port && $3 == got { n = n sep $1; sep = ", " } END { print n == "" ? "none" : n }' "$box/tries.done"; }

fences() {
    start_fenced_sshds
    # Somebody on the way has the key, too.
    on wan install -D -m 0644 "$here/bastion.sysusers.conf" /etc/sysusers.d/sallyport.conf
    on wan systemd-sysusers /etc/sysusers.d/sallyport.conf 2>/dev/null
    on wan install -d -o sallyport-edge /run/stolen
    on wan install -o sallyport-edge -m 0400 "$box/secrets/edge.key" /run/stolen/
    on wan install -D -m 0644 "$here/ssh_config" /etc/sallyport-edge/ssh_config
    on bastion cat /etc/sallyport-edge/known_hosts >"$box/known_hosts"
    on wan install -m 0644 "$box/known_hosts" /etc/sallyport-edge/
    all="command shell terminal sftp forward_tcp forward_dynamic forward_socket listen_tcp listen_socket"
    for attempt in $all; do
        waiting=""
        for port in 22 2201 2202 2203; do
            open=no
            [ $port != 2203 ] || open=yes
            expect "$attempt" $port $open &
            waiting="$waiting $!"
        done
        wait $waiting
    done
    for port in 22 2201 2202; do expect job_socket $port yes; done
    expect forward_socket 2204 yes
    # The address is the key's fence.
    expect elsewhere 22 no
    expect elsewhere 2201 no
    expect elsewhere 2203 yes
    for port in 22 2201 2202 2203 2204; do
        case $port in 22) name="both fences" ;; 2201) name="the key's options" ;; 2202) name="the Match block" ;; 2203) name="neither" ;; *) name="a forward instead" ;; esac
        say "$name: opened: $(tried $port yes); refused: $(tried $port no)"
    done
    [ ! -e "$box/tries.wrong" ] || die "$(cat "$box/tries.wrong")"
    [ "$(wc -l <"$box/tries.done")" = 43 ] || die "$(wc -l <"$box/tries.done") attempts were made, and not 43"
}
