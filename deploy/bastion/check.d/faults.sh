# Sourced by check: what breaks under load, and how soon deliveries succeed again.

start_load() {
    write_load "$box/load"
    : >"$box/stopping"
    for sender in $(seq "$1"); do
        on edge sh "$box/load" "$sender" 8080 "$box" &
        echo $! >>"$box/senders"
    done
    wait_for 10 "the load" ran 20
}

ran() { [ "$(on target sh -c 'wc -l </run/deploy/ran')" -ge "$1" ]; }

stop_load() {
    touch "$box/stop"
    # shellcheck disable=SC2046
    wait $(cat "$box/senders")
    on target cat /run/deploy/ran >"$box/target.ran"
}

# back SECONDS WHAT: from now until a new delivery has succeeded.
back() {
    from=$(now)
    probe=0
    until deliver "$2"; do
        [ $(($(now) - from)) -lt $(($1 * 1000)) ] || die "no delivery succeeds $1 s after: $2"
        sleep 0.1
    done
    took=$(($(now) - from))
    say "$2: a delivery succeeds after $((took / 1000)).$(printf %03d $((took % 1000))) s"
    [ $took -le $(($1 * 1000)) ] || die "that is more than $1 s"
}

# A delivery of its own, which the judge looks at, too.
deliver() {
    probes=$((${probes:-0} + 1))
    printf '{"id":"p-%d"}' $probes >"$box/probe.json"
    said=$(on edge sallyport send http://127.0.0.1:8080/hooks/note "$box/probe.json" --secret "$box/secrets/hookdeck" --event "p-$probes" 2>/dev/null) || true
    case $said in
    200*) echo "p-$probes 1 200 succeeded" >>"$box/answers/probes" ;;
    2*) echo "p-$probes 1 202 accepted" >>"$box/answers/probes" && false ;;
    *) false ;;
    esac
}

kill_each() {
    for _ in 1 2 3; do
        sleep "0.$(shuf -i 30-90 -n 1)"
        kill -KILL "$(pgrep -P "$edge_socket_pid" ssh | head -n 1)"
        back 8 "ssh on the bastion was killed"
    done
    kill -KILL $(pgrep -u "$account" socat)
    back 8 "socat on the edge was killed"

    # The listener and all its sessions, as a restart of the machine would; three seconds without.
    # shellcheck disable=SC2046
    kill -KILL $(pgrep --ns "$(cat "$box/edge.pid")" --nslist net sshd)
    sleep 3
    on edge rm -f /run/sshd.pid
    start_sshd edge
    back 8 "sshd on the edge was killed, and is there again after 3 s"

    kill -KILL "$(pgrep -P $executor_pid -f 'sallyport-executor run')"
    back 8 "the executor was killed; its supervisor starts another"
    kill -TERM $executor_pid
    wait $executor_pid || die "the executor ended with $?"
    start_executor
    back 8 "the executor was stopped and started"

    kill -KILL $ingress_pid
    wait $ingress_pid 2>/dev/null || true
    start_ingress
    back 8 "the ingress was killed and started"
    kill -TERM $ingress_pid
    wait $ingress_pid || die "the ingress ended with $?"
    start_ingress
    back 8 "the ingress was stopped and started"
}

# It takes no more bytes and does not end.
hang() {
    hanging=$(pgrep -P "$edge_socket_pid" ssh | head -n 1)
    kill -STOP "$hanging"
    back 20 "ssh on the bastion hangs"
    kill -KILL "$hanging"
}

cut_link() {
    before=$(pgrep -n -P "$edge_socket_pid" ssh)
    cut_off
    sleep 4
    restore
    back 8 "the link was cut for 4 s"
    [ "$before" = "$(pgrep -n -P "$edge_socket_pid" ssh)" ] || die "the connection did not outlive that"

    cut_off
    cut_at=$(now)
    wait_for 20 "that the ingress knows" away
    knows=$(($(now) - cut_at))
    gone() { ! kill -0 "$before"; }
    wait_for 20 "that the bastion knows" gone
    say "the link is cut: the ingress knows after $((knows / 1000)) s, the bastion after $((($(now) - cut_at) / 1000)) s"
    ! deliver "a cut link" || die "a delivery succeeded over a link that is cut"
    left=$((25000 - ($(now) - cut_at)))
    [ $left -lt 0 ] || sleep $((left / 1000 + 1))
    restore
    back 10 "the link was cut for $((($(now) - cut_at) / 1000)) s"
    [ "$(connections)" = 1 ] || die "the bastion has $(connections) connections to the edge"
}
