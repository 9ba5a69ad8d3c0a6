# Sourced by the benches, beside box.sh: their folder and loads, figures, and adnanh/webhook (Debian package `webhook`) with what it runs.

# shellcheck source=scripts/box.sh
. "${0%/*}/box.sh"

# start_bench LOAD...: a folder with the released programs and with those of Benchmarks/Load that are named.
start_bench() {
    scripts/install
    programs=$(scripts/build)
    make_folder "$@"
    copy_programs "$programs" "$folder/bin"
}

# make_folder LOAD...: without the programs.
make_folder() {
    folder=$(mktemp -d "${TMPDIR:-/tmp}/sallyport-bench.XXXXXX")
    mkdir "$folder/bin"
    cp scripts/measure.sh "$folder/bin/"
    compiler=$(command -v cc || command -v clang)
    for load in "$@"; do "$compiler" -O2 -o "$folder/bin/$load" "Benchmarks/Load/$load.c" -lcrypto -lssh2; done
}

# copy_programs FROM TO
copy_programs() { for program in sallyport sallyport-ingress sallyport-executor sallyport-ssh-worker; do cp "$1/$program" "$2/"; done; }

# A push of about 7 KB, of 24 commits.
make_body() {
    awk 'BEGIN {
        printf "{\"ref\":\"refs/heads/main\",\"after\":\"%040d\",\"repository\":{\"full_name\":\"octo-org/site\"},", 7
        printf "\"commits\":["
        for (commit = 1; commit <= 24; commit++)
            printf "%s{\"id\":\"%040d\",\"message\":\"Change page %d, and say why, at the length that is usual\"," \
                "\"timestamp\":\"2026-01-01T12:00:00Z\"," \
                "\"author\":{\"name\":\"Octavia Cat\",\"email\":\"octavia@example.org\"}," \
                "\"added\":[],\"removed\":[],\"modified\":[\"pages/%d/index.html\",\"pages/%d/style.css\"]}", \
                (commit > 1 ? "," : ""), commit, commit, commit, commit
        print "]}"
    }' >"$folder/body.json"
}

# make_hook_secret: of GitHub's scheme, for every server here.
make_hook_secret() { (umask 077 && openssl rand -hex 32 >"$folder/box/secrets/bench"); }

# hook NAME COMMAND...: one of adnanh/webhook's. Alone, a rule whose signature is wrong is answered 500; within `or` it may be soft, and is
# answered 401, as by the ingress.
hook() {
    name=$1
    shift
    cat <<END
{"id": "$name", "execute-command": "$1", "trigger-rule-mismatch-http-response-code": 401, "include-command-output-in-response": true,
  "trigger-signature-soft-failures": true, "trigger-rule": {"or": [{"match": {
  "type": "payload-hmac-sha256", "secret": "$(cat "$folder/box/secrets/bench")",
  "parameter": {"source": "header", "name": "X-Hub-Signature-256"}}}]}}
END
}

# start_webhook: hooks `bench` (runs /bin/true), `fresh` (/bin/true over a new ssh) and `master` (over an ssh that is there already).
start_webhook() {
    webhook_port=$(free_port 9200)
    ssh="exec ssh -F none -i $folder/peer-key -o UserKnownHostsFile=$folder/box/known_hosts -o StrictHostKeyChecking=yes -o BatchMode=yes -p $ssh_port"
    [ -f "$folder/peer-key" ] || {
        ssh-keygen -q -t ed25519 -N '' -f "$folder/peer-key"
        cat "$folder/peer-key.pub" >>"$folder/sshd/authorized_keys"
    }
    printf '#!/bin/sh\n%s -o ControlMaster=no -o ControlPath=none %s@127.0.0.1 /bin/true\n' "$ssh" "$user" >"$folder/bin/fresh"
    printf '#!/bin/sh\n%s -o ControlMaster=auto -o ControlPersist=120 -o ControlPath=%s/control %s@127.0.0.1 /bin/true\n' "$ssh" "$folder" \
        "$user" >"$folder/bin/master"
    chmod 755 "$folder/bin/fresh" "$folder/bin/master"
    printf '[%s,\n%s,\n%s]\n' "$(hook bench /bin/true)" "$(hook fresh "$folder/bin/fresh")" "$(hook master "$folder/bin/master")" \
        >"$folder/hooks.json"
    chmod 600 "$folder/hooks.json"
    setsid webhook -hooks "$folder/hooks.json" -ip 127.0.0.1 -port "$webhook_port" >"$folder/webhook.log" 2>&1 </dev/null &
    webhook_pid=$!
    wait_for webhook curl -s -o /dev/null "http://127.0.0.1:$webhook_port/"
}

# stop_all: whatever of this bench still runs.
stop_all() {
    [ ! -x "$folder/stop" ] || "$folder/stop" || true
    [ -z "${webhook_pid:-}" ] || kill "$webhook_pid" 2>/dev/null || true
    [ ! -S "$folder/control" ] || ssh -F none -o ControlPath="$folder/control" -O exit 127.0.0.1 2>/dev/null || true
}

# ticks PID: of user and system time. The name stands in parentheses and has no spaces here.
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
kilobytes() { awk -v name="$2:" '$1 == name { print $2 }' "/proc/$1/status"; }
mebibytes() { kilobytes "$1" "$2" | awk '{ printf "%.1f", $1 / 1024 }'; }

# ratio A B
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a / b }'; }

median() { figure "$1" 50; }

now() { date +%s%N; }

# Clock ticks that the machine's processors were busy.
busy() { awk '$1 == "cpu" { print $2 + $3 + $4 + $7 + $8 }' /proc/stat; }

# The executor proper and its SSH workers are the supervisor's children.
parts() { for pid in $(pgrep -P "$(cat "$folder/executor.pid")"); do echo "$pid"; done; }
part() {
    for pid in $(parts); do
        if tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q "$1"; then echo "$(ticks "$pid") $pid"; fi
    done | sort -n | awk 'END { print $2 }'
}

# process NAME: its id; of the workers, the one that has worked most.
process() {
    case $1 in
    ingress) cat "$folder/ingress.pid" ;;
    executor) part 'sallyport-executor run' ;;
    worker) part sallyport-ssh-worker ;;
    esac
}

# Nanoseconds of processor time of the given processes.
spent() { for pid in "$@"; do cat "/proc/$pid"/task/*/schedstat; done | awk '{ all += $1 } END { printf "%.0f", all }'; }

# send HOOK CONNECTIONS COUNT PAUSE [SECONDS]: to the ingress; a line a delivery.
send() {
    "$folder/bin/sender-loop" "$http_port" "/hooks/$1" "$folder/body.json" "$folder/box/secrets/bench" "$folder/token" "$2" "$3" "$4" \
        "${5:-120}"
}

gone() { ! kill -0 "$1" 2>/dev/null; }

# halt: both gates, and waits for that.
halt() {
    for gate in ingress executor; do kill "$(cat "$folder/$gate.pid")" 2>/dev/null || true; done
    for gate in ingress executor; do wait_for "the end of the $gate" gone "$(cat "$folder/$gate.pid")"; done
}

restart() {
    halt
    start_gates
}
