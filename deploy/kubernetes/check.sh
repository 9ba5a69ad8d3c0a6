# Sourced by check, check-manifests and ../kubernetes-shared/check: what they make, and take away again.

# Where the pod and its host are: this machine's network, or one of their own, which `inside` runs commands in.
network=--network=host
address=127.0.0.1
inside() { "$@"; }
# The images that are looked at, and the pods that are made.
images="ingress executor all"
pods=sallyport
# What is taken away besides.
clean_more() { :; }

say() { printf '%s\n' "$*"; }
title() { printf '\n== %s\n' "$*"; }
die() {
    printf 'check: %s\n' "$*" >&2
    exit 1
}

# As long as three minutes: a machine that is busy starts containers slowly.
wait_for() {
    what=$1
    shift
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 900 ] || die "$what did not come up within three minutes"
        sleep 0.2
    done
}

free_port() {
    port=$1
    until [ "$(curl -s -o /dev/null --max-time 1 "http://127.0.0.1:$port" || echo $?)" = 7 ]; do port=$((port + 1)); done
    say "$port"
}

# The command line of the image `all`, in $box.
cli() { podman run --rm "$network" --user 0 -v "$box:/box" -w /box sallyport-all:0.1.0 "$@"; }

prepare() {
    [ "$(id -u)" = 0 ] || die "run it as root"
    for program in podman ssh-keygen /usr/sbin/sshd curl useradd; do
        command -v "$program" >/dev/null || die "$program is not there"
    done
    for image in $images; do
        podman image exists "sallyport-$image:0.1.0" || die "the image sallyport-$image:0.1.0 is not there: podman build --format docker --target $image -t sallyport-$image:0.1.0 ."
    done
    revisions=$(for image in $images; do
        podman image inspect --format '{{index .Labels "org.opencontainers.image.revision"}}' "sallyport-$image:0.1.0"
    done | sort -u | tr '\n' ' ')
    say "images of revision $revisions"
    [ "$(printf %s "$revisions" | wc -w)" -le 1 ] || die "the images are of different revisions: build all of them again"
    [ ! -e /etc/sallyport ] || die "/etc/sallyport is there; this would overwrite it"
    for pod in $pods; do ! podman pod exists "$pod" || die "a pod called $pod is there; this would replace it"; done
    for volume in jobs admin journal; do
        ! podman volume exists "sallyport-$volume" || die "a volume sallyport-$volume is there; this would use it"
    done
    id sallyport-check >/dev/null 2>&1 && die "a user sallyport-check is there; another check runs, or one was cut off: userdel sallyport-check"
    box=$(mktemp -d /tmp/sallyport-check.XXXXXX)
    chmod 755 "$box"
    trap clean EXIT
    trap 'exit 1' INT TERM
    useradd --system --password '*' --shell /bin/sh --home-dir "$box/target" sallyport-check
    install -d -o sallyport-check "$box/target"
    ssh=$(free_port 2410)
    http=$(free_port 8480)
    operations=$(free_port 9480)
}

clean() {
    status=$?
    trap - EXIT
    set +e
    touch "$box/stop"
    [ "$status" = 0 ] || for name in $(for pod in $pods; do podman ps -a --filter "pod=$pod" --format '{{.Names}}'; done); do
        podman logs "$name" >"/tmp/sallyport-check-${name#sallyport-}.log" 2>&1
    done
    podman rm -f sallyport-check-load >/dev/null 2>&1
    for pod in $pods; do podman pod rm -f "$pod" >/dev/null 2>&1; done
    podman volume rm -f sallyport-jobs sallyport-admin sallyport-journal >/dev/null 2>&1
    [ ! -s "$box/sshd/pid" ] || kill "$(cat "$box/sshd/pid")"
    clean_more
    userdel sallyport-check >/dev/null 2>&1
    rm -rf /etc/sallyport "$box"
    [ "$status" = 0 ] || say "check: failed; the containers' logs are /tmp/sallyport-check-*.log" >&2
    exit "$status"
}

make_secrets() {
    cli init made >/dev/null
    mv "$box/made/secrets" "$box/made/token-keys.json" "$box/"
    ingress_key=$(cli keygen ingress.key)
    executor_key=$(cli keygen executor.key)
    mv "$box/ingress.key" "$box/executor.key" "$box/secrets/"
}

# make_settings [THE EXECUTOR'S]: those of settings/, with what README.md says must be put in, a job that notes each event, one with a long
# result, and traces.
make_settings() {
    mkdir "$box/settings"
    sed -e "s|ed25519:THE-EXECUTORS-PUBLIC-KEY|$executor_key|" -e "s|0.0.0.0, port: 8080|127.0.0.1, port: $http|" \
        -e "s|0.0.0.0, port: 9080|127.0.0.1, port: $operations|" "$here/settings/ingress.yaml" >"$box/settings/ingress.yaml"
    cat >>"$box/settings/ingress.yaml" <<END
  note:
    verify: { hookdeck: { secret: { file: /etc/sallyport-secrets/hookdeck } } }
    job: note
    parameters: { id: { payload: /id } }
  long: { verify: { hookdeck: { secret: { file: /etc/sallyport-secrets/hookdeck } } }, job: long }
END
    sed -e "s|ed25519:THE-INGRESS-PUBLIC-KEY|$ingress_key|" \
        -e "s|address: 192.0.2.11, user: deploy|address: 127.0.0.1, port: $ssh, user: sallyport-check|" \
        "${1:-$here/settings/executor.yaml}" >"$box/settings/executor.yaml"
    cat >>"$box/settings/executor.yaml" <<END
  note:
    command: [sh, -c, 'echo "\$1" >>$box/target/ran', sh, "{id}"]
    destinations: [web-1]
    parameters: { id: { pattern: "[0-9]+-[0-9]+" } }
    timeout: 20s
  long: { command: [seq, "3000"], destinations: [web-1], timeout: 20s }
traces: { file: /var/lib/sallyport/traces.jsonl }
END
}

make_sshd() {
    mkdir "$box/sshd"
    ssh-keygen -q -t ed25519 -N '' -f "$box/sshd/host_key"
    sed 's/^/restrict /' "$box/secrets/deploy.key.pub" >"$box/sshd/authorized_keys"
    cat >"$box/sshd/config" <<END
Port $ssh
ListenAddress $address
HostKey $box/sshd/host_key
AuthorizedKeysFile $box/sshd/authorized_keys
AllowUsers sallyport-check
PidFile $box/sshd/pid
MaxStartups 200
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
END
    mkdir -p /run/sshd
}

start_sshd() {
    inside /usr/sbin/sshd -f "$box/sshd/config" -E "$box/sshd/log"
    wait_for sshd cli hosts scan "$address" --port "$ssh" --pin scanned
    mv "$box/scanned" "$box/settings/known_hosts"
}

# deliver ADDRESS [COMMIT]: a delivery with all that the hook asks for, to the ingress there.
deliver() {
    commit=${2:-0123456789abcdef0123456789abcdef01234567}
    printf '{"after":"%s","repository":{"full_name":"octo-org/app"}}' "$commit" >"$box/push.json"
    cli token issue --key secrets/token.key --key-id init --issuer https://ci.example --audience sallyport --subject deployer >"$box/token"
    answer=$(cli send "$1/hooks/github" push.json --secret secrets/hookdeck --token-file token --event "$commit") || true
    say "$answer"
    case $answer in 200*"deploying octo-org/app at $commit"*) ;; *) die "that is not what the command prints" ;; esac
}

# deliver_long: the hook `long` before and after the executor is killed: then the result comes from the journal, which has it compressed.
deliver_long() {
    echo '{}' >"$box/long.json"
    seq 3000 | sed 's/$/\\n/' | tr -d '\n' >"$box/expected"
    for duplicate in false true; do
        cli send "http://127.0.0.1:$http/hooks/long" long.json --secret secrets/hookdeck --event long >"$box/answer" || true
        grep -q "\"duplicate\":$duplicate" "$box/answer" && grep -qF "\"stdout\":\"$(cat "$box/expected")\"" "$box/answer" ||
            die "the long result is another, or not duplicate $duplicate: $(head -c 500 "$box/answer")"
        [ $duplicate = true ] || kill_container executor
    done
    say "a result of $(seq 3000 | wc -c) bytes, and the same from the journal"
}

# look IMAGE PROGRAM ARGUMENTS...: a program of the image's, without what it does by itself.
look() {
    image=sallyport-$1:0.1.0 program=$2
    shift 2
    podman run --rm --no-healthcheck --network none --user 0 --entrypoint "$program" "$image" "$@"
}

# libraries IMAGE PROGRAM: those that it is linked with, in $linked too.
libraries() {
    look "$1" ldd "/usr/local/bin/$2" >"$box/linked" || die "ldd $2: $(cat "$box/linked")"
    ! grep 'not found' "$box/linked" || die "$2 lacks a library in the image $1"
    linked=$(sed -n 's/^[[:space:]]*\(lib[^.]*\)\..* => .*/\1/p' "$box/linked" | sort | tr '\n' ' ')
    say "$2: $linked"
}

# As README.md says.
install_box() {
    cd "$box"
    install -d -m 0755 /etc/sallyport /etc/sallyport/ingress /etc/sallyport/executor \
        /etc/sallyport/ingress/settings /etc/sallyport/executor/settings
    install -d -m 0750 -g 65532 /etc/sallyport/ingress/secrets
    install -d -m 0750 -g 65533 /etc/sallyport/executor/secrets
    install -m 0644 settings/ingress.yaml token-keys.json /etc/sallyport/ingress/settings/
    install -m 0644 settings/executor.yaml token-keys.json settings/known_hosts /etc/sallyport/executor/settings/
    install -m 0440 -g 65532 secrets/ingress.key secrets/hookdeck /etc/sallyport/ingress/secrets/
    install -m 0440 -g 65533 secrets/executor.key secrets/deploy.key /etc/sallyport/executor/secrets/
    cd /
}

# attack CONTAINER COMMAND...: its summary, and each attempt that did not end as it must.
attack() {
    container=$1
    shift
    code=0
    podman exec "sallyport-$container" "$@" >"$box/attacks" 2>&1 || code=$?
    grep -E '^self-attack on|attacks, ' "$box/attacks" || cat "$box/attacks"
    ! grep '^FAILED' "$box/attacks" || die "$* in the container $container is not sealed"
    [ "$code" = 0 ] || die "$* in the container $container: exit code $code"
}

# start_load SENDERS [PORTS]: each sends one delivery after the other, and one without a final answer again, as its sender would.
start_load() {
    write_load "$box/load"
    mkdir "$box/answers"
    : >"$box/target/ran"
    chown sallyport-check "$box/target/ran"
    podman run -d --name sallyport-check-load --network host --user 0 -v "$box:/box" --entrypoint sh sallyport-all:0.1.0 \
        -c "for sender in $(seq -s ' ' "$1"); do timeout 3600 sh /box/load \$sender ${2:-$http} /box & done; wait" >/dev/null
    wait_for "the load" grep -rq . "$box/answers"
}

# kill_container CONTAINER: its first process and with it all of them; podman starts it again.
kill_container() {
    pid=$(podman inspect "sallyport-$1" --format '{{.State.Pid}}')
    [ "$pid" -gt 1 ] || die "the container $1 does not run"
    kill -KILL "$pid"
    wait_for "the container $1, again" is_another "$1" "$pid"
    wait_for "the pod, again" inside curl -sf "http://127.0.0.1:$operations/readyz"
}

# kill_again CONTAINER TIMES: at any moment.
kill_again() {
    before=$(cat "$box"/answers/* | wc -l)
    for _ in $(seq "$2"); do
        sleep "0.$(shuf -i 10-99 -n 1)"
        kill_container "$1"
    done
    say "$1: killed $2 times, while $(($(cat "$box"/answers/* | wc -l) - before)) deliveries were answered"
}

is_another() {
    now=$(podman inspect "sallyport-$1" --format '{{.State.Pid}}')
    [ "$now" -gt 1 ] && [ "$now" != "$2" ]
}

stop_load() {
    touch "$box/stop"
    podman wait sallyport-check-load >/dev/null
    podman rm sallyport-check-load >/dev/null
}
