# Sourced by check, after deploy/kubernetes/check.sh: two pods, a PostgreSQL, and what breaks.

find_postgresql() {
    for pg in /usr/lib/postgresql/*/bin; do :; done
    [ -x "$pg/initdb" ] || die "the programs of PostgreSQL are not there: apt-get install postgresql"
}

clean_more() {
    podman rm -f sallyport-check-other >/dev/null 2>&1
    [ ! -s "$box/postgresql/postmaster.pid" ] || as_server "$pg/pg_ctl" -D "$box/postgresql" -m immediate stop >/dev/null
}

# The server's user.
as_server() { runuser -u sallyport-check -- "$@"; }
# asks_pgbouncer FOLDER USER-ID: at the socket there, with the group that a pod's volumes have.
asks_pgbouncer() {
    PGCONNECT_TIMEOUT=20 setpriv --reuid "$2" --regid 65532 --clear-groups "$pg/psql" -h "$1" -p 5432 -U sallyport -d sallyport \
        -Atqc 'SELECT 1' >"$box/said" 2>&1
}
sql() { as_server "$pg/psql" -h "$box/postgresql" -p "$postgres" -d sallyport -Atq -v ON_ERROR_STOP=1 -c "$1"; }

# As README.md says: a server with TLS that asks for SCRAM, a database, and a role with what it needs.
make_postgresql() {
    postgres=$(free_port 5490)
    mkdir "$box/ca"
    for file in ca server; do openssl ecparam -name prime256v1 -genkey -noout -out "$box/ca/$file.key"; done
    openssl req -x509 -new -key "$box/ca/ca.key" -days 2 -subj /CN=check -out "$box/ca/ca.pem"
    openssl req -x509 -new -key "$box/ca/server.key" -days 2 -subj /CN=postgresql.example -addext subjectAltName=DNS:postgresql.example \
        -addext basicConstraints=critical,CA:false -CA "$box/ca/ca.pem" -CAkey "$box/ca/ca.key" -out "$box/ca/server.pem"
    install -d -m 0700 -o sallyport-check "$box/postgresql"
    as_server "$pg/initdb" -D "$box/postgresql" --auth=peer --encoding=UTF8 --locale=C.UTF-8 >"$box/initdb.log" 2>&1 ||
        die "initdb: $(tail -n 1 "$box/initdb.log")"
    install -m 0600 -o sallyport-check "$box/ca/server.key" "$box/ca/server.pem" "$box/postgresql/"
    cat >>"$box/postgresql/postgresql.conf" <<END
listen_addresses = '127.0.0.1'
port = $postgres
unix_socket_directories = '$box/postgresql'
ssl = on
ssl_cert_file = 'server.pem'
ssl_key_file = 'server.key'
password_encryption = 'scram-sha-256'
max_connections = 40
END
    printf '%s\n' 'local all sallyport-check peer' 'hostssl sallyport sallyport 127.0.0.1/32 scram-sha-256' >"$box/postgresql/pg_hba.conf"
    # Letters and digits alone, so that no quotes are needed anywhere.
    password=$(openssl rand -hex 24)
    printf '"sallyport" "%s"\n' "$password" >"$box/secrets/userlist.txt"
    start_postgresql
    as_server "$pg/psql" -h "$box/postgresql" -p "$postgres" -d postgres -q -v ON_ERROR_STOP=1 <<END
CREATE ROLE sallyport LOGIN PASSWORD '$password';
CREATE DATABASE sallyport;
REVOKE ALL ON DATABASE sallyport FROM PUBLIC;
GRANT CONNECT, CREATE ON DATABASE sallyport TO sallyport;
END
}

start_postgresql() {
    as_server "$pg/pg_ctl" -D "$box/postgresql" -l "$box/postgresql/log" -w -t 60 start >/dev/null ||
        die "PostgreSQL: $(tail -n 3 "$box/postgresql/log")"
}

# Hooks and jobs besides: one that takes its time, one of which one runs at a time, and who may ask after jobs.
more_settings() {
    # For longer than it takes until another pod has the jobs of one that is gone: what is answered then is how they ended.
    sed -i 's|^    job: note$|&\n    wait: 60s|' "$box/settings/ingress.yaml"
    cat >>"$box/settings/ingress.yaml" <<END
  slow:
    verify: { hookdeck: { secret: { file: /etc/sallyport-secrets/hookdeck } } }
    job: slow
    parameters: { id: { payload: /id } }
    respond: sync
    wait: 25s
  turn:
    verify: { hookdeck: { secret: { file: /etc/sallyport-secrets/hookdeck } } }
    job: turn
    parameters: { id: { payload: /id } }
    respond: async
jobs: { token: { issuer: https://ci.example, audience: sallyport, keys: { file: token-keys.json } } }
END
    cat >"$box/jobs" <<END
  slow:
    command: [sh, -c, 'echo "\$1" >>$box/target/slow; sleep 3; echo "did \$1"', sh, "{id}"]
    destinations: [web-1]
    parameters: { id: { pattern: "[a-z0-9-]+" } }
    timeout: 20s
  turn:
    command: [sh, -c, 'echo "\$1" >>$box/target/turns; sleep 8', sh, "{id}"]
    destinations: [web-1]
    parameters: { id: { pattern: "[a-z0-9-]+" } }
    timeout: 20s
    concurrency: 1
END
    sed -i -e "/^jobs:/r $box/jobs" "$box/settings/executor.yaml"
}

# start_pod NUMBER: what kustomize makes of an overlay like that of README.md. In the host's network each pod has ports of its own.
start_pod() {
    as_pod "$1"
    folder=$box/pod-$1
    mkdir -p "$folder/overlay/settings" "$folder/empty" "$folder/kubelet"
    [ -e "$box/kubernetes" ] || cp -r "$here" "$shared" "$box/"
    ln -s ../secrets "$folder/secrets"
    (
        cd "$folder/overlay"
        cp "$box/token-keys.json" "$box/settings/known_hosts" "$box/settings/executor.yaml" settings/
        cp "$box/ca/ca.pem" settings/postgresql-ca.pem
        sed -e "s|port: $http0 }|port: $http }|" -e "s|port: $operations0 }|port: $operations }|" "$box/settings/ingress.yaml" \
            >settings/ingress.yaml
        sed -e "s|port=5432|port=$postgres|" "$shared/settings/pgbouncer.ini" >settings/pgbouncer.ini
        cat >kustomization.yaml <<END
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: sallyport
resources: [../../kubernetes-shared]
images:
  - { name: sallyport-ingress, newName: localhost/sallyport-ingress, newTag: 0.1.0 }
  - { name: sallyport-executor-postgresql, newName: localhost/sallyport-executor-postgresql, newTag: 0.1.0 }
  - { name: sallyport-pgbouncer, newName: localhost/sallyport-pgbouncer, newTag: 0.1.0 }
configMapGenerator:
  - { name: sallyport-ingress, behavior: merge, files: [settings/ingress.yaml, settings/token-keys.json] }
  - { name: sallyport-executor, behavior: merge, files: [settings/executor.yaml, settings/known_hosts, settings/token-keys.json] }
  - { name: sallyport-pgbouncer, behavior: merge, files: [settings/pgbouncer.ini, settings/postgresql-ca.pem] }
patches:
  - target: { kind: StatefulSet, name: sallyport }
    patch: |
      - { op: replace, path: /spec/template/spec/containers/0/ports/0/containerPort, value: $http }
      - { op: replace, path: /spec/template/spec/containers/0/ports/1/containerPort, value: $operations }
END
        kubectl kustomize . >"$folder/all.yaml"
    ) || die "kustomize refuses it"
    /usr/bin/python3 "$here/check-manifests.py" "$folder" --pod "sallyport-$1" --here postgresql.example
    (cd "$folder/empty" && podman play kube --network host ../pod.yaml >"$box/play.log" 2>&1) ||
        die "podman play kube: $(tail -n 3 "$box/play.log")"
}

# as_pod NUMBER: what comes now is about that one.
as_pod() {
    case $1 in
    0) http=$http0 operations=$operations0 ;;
    *) http=$http1 operations=$operations1 ;;
    esac
}

is_ready() { curl -sf --max-time 5 "http://127.0.0.1:$operations/readyz"; }
is_not_ready() { [ "$(curl -s --max-time 5 -o "$box/readyz" -w '%{http_code}' "http://127.0.0.1:$operations/readyz")" = 503 ]; }
is_idle() { [ "$(sql "SELECT count(*) FROM sallyport.job WHERE finished_at IS NULL")" = 0 ]; }
all_ended() { is_idle; }
pid() { podman inspect "sallyport-$1" --format '{{.State.Pid}}'; }
answers() { cat "$box"/answers/* | wc -l; }

# member NAME FILE: that of an answer.
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$2" | head -n 1; }

# The same server by a name that its certificate has not.
other_name() {
    install -d "$box/other" "$box/other/settings"
    install -d -m 2770 -o 65530 -g 65532 "$box/other/sockets"
    cp "$shared/settings/pgbouncer.hba" "$box/ca/ca.pem" "$box/other/settings/"
    mv "$box/other/settings/ca.pem" "$box/other/settings/postgresql-ca.pem"
    sed 's|host=postgresql.example|host=localhost|' "$box/pod-0/overlay/settings/pgbouncer.ini" >"$box/other/settings/pgbouncer.ini"
    podman run -d --name sallyport-check-other --network host --group-add 65532 -v "$box/other/settings:/etc/sallyport:ro" \
        -v "$box/pod-0/kubelet/pgbouncer-secrets:/etc/sallyport-secrets:ro" -v "$box/other/sockets:/run/postgresql" \
        -v "$box/pod-0/hosts:/etc/hosts:ro" sallyport-pgbouncer:0.1.0 >/dev/null 2>&1
    wait_for "a PgBouncer" podman exec sallyport-check-other pgbouncer-answers
    ! asks_pgbouncer "$box/other/sockets" 65533 || die "PgBouncer takes a server whose certificate has another name"
    podman logs sallyport-check-other 2>&1 | grep -m 1 -o 'TLS handshake error: name .*' || die "it fails for another reason: $(cat "$box/said")"
    podman rm -f sallyport-check-other >/dev/null 2>&1
    say "no server whose certificate has another name"
}

both_at_once() {
    echo '{"id":"both"}' >"$box/both.json"
    : >"$box/target/slow"
    chown sallyport-check "$box/target/slow"
    cli send "http://127.0.0.1:$http0/hooks/slow" both.json --secret secrets/hookdeck --event both >"$box/said-0" 2>&1 &
    first=$!
    cli send "http://127.0.0.1:$http1/hooks/slow" both.json --secret secrets/hookdeck --event both >"$box/said-1" 2>&1 || true
    wait $first || true
    cat "$box/said-0" "$box/said-1"
    for number in 0 1; do grep -q '"stdout":"did both' "$box/said-$number" || die "pod $number did not answer with the result"; done
    [ "$(member job "$box/said-0")" = "$(member job "$box/said-1")" ] || die "they ran two jobs"
    [ "$(cat "$box/said-0" "$box/said-1" | grep -c '"duplicate":true')" = 1 ] || die "not one of them is the duplicate"
    [ "$(wc -l <"$box/target/slow")" = 1 ] || die "it ran $(wc -l <"$box/target/slow") times"
    say "it ran once"
}

# At the pod that did not run it, whichever that is.
ask_other() {
    echo '{"id":"asked"}' >"$box/asked.json"
    cli send "http://127.0.0.1:$http0/hooks/slow" asked.json --secret secrets/hookdeck --event asked >"$box/said" 2>&1 || true
    job=$(member job "$box/said")
    [ -n "$job" ] || die "no job: $(cat "$box/said")"
    cli token issue --key secrets/token.key --key-id init --issuer https://ci.example --audience sallyport --subject caller >"$box/asking"
    status=$(curl -s --max-time 10 -o "$box/said" -w '%{http_code}' -H "Authorization: Bearer $(cat "$box/asking")" \
        "http://127.0.0.1:$http1/jobs/$job")
    say "$status $(cat "$box/said")"
    [ "$status" = 200 ] && grep -q '"status":"succeeded"' "$box/said" || die "the other pod does not answer for the job"
    podman exec sallyport-1-executor sallyport jobs show "$job" >/dev/null || die "nor does its command line"
}

# In the order in which a kubelet ends the containers, and begins them.
roll_pods() {
    for number in 1 0; do
        as_pod $number
        before=$(answers)
        for name in ingress executor pgbouncer; do
            podman stop --time 60 sallyport-$number-$name >/dev/null
            code=$(podman inspect sallyport-$number-$name --format '{{.State.ExitCode}}')
            # PgBouncer's is 1 when it is told to end.
            [ "$code" = 0 ] || [ $name = pgbouncer ] || die "$name of pod $number ended with exit code $code"
        done
        for name in pgbouncer executor ingress; do podman start sallyport-$number-$name >/dev/null; done
        wait_for "pod $number" is_ready
        say "pod $number: stopped in order, and ready again; $(($(answers) - before)) deliveries were answered meanwhile"
    done
}

# A pod is killed and stays away, with one job that runs and two that wait for their turn.
lose_pod() {
    : >"$box/target/turns"
    chown sallyport-check "$box/target/turns"
    for id in one two three; do
        echo "{\"id\":\"$id\"}" >"$box/turn.json"
        cli send "http://127.0.0.1:$http0/hooks/turn" turn.json --secret secrets/hookdeck --event "turn-$id" >>"$box/turns" || die "no turn: $(cat "$box/turns")"
    done
    wait_for "the first turn" grep -q . "$box/target/turns"
    # Without a time to end: at once, and podman does not start it again.
    podman pod stop --time 0 sallyport-0 >/dev/null
    lost=$(date +%s)
    before=$(answers)
    as_pod 1
    is_ready >/dev/null || die "the other pod is not ready either"
    wait_for "the turns of the pod that is gone" turns_ended
    say "its jobs had ended $(($(date +%s) - lost)) s later, at the other pod"
    say "meanwhile $(($(answers) - before)) deliveries were answered"
    podman exec sallyport-1-executor sallyport jobs list --job turn
    sort "$box/target/turns" | uniq -d | grep . && die "a turn was taken twice"
    [ "$(wc -l <"$box/target/turns")" = 3 ] || die "not every turn was taken: $(tr '\n' ' ' <"$box/target/turns")"
    [ "$(($(answers) - before))" -gt 0 ] || die "nothing was answered without that pod"
    podman pod start sallyport-0 >/dev/null
    as_pod 0
    wait_for "the pod that was gone" is_ready
    say "it is ready again"
}
turns_ended() { [ "$(sql "SELECT count(*) FROM sallyport.job WHERE job = 'turn' AND finished_at IS NOT NULL")" = 3 ]; }

lose_pgbouncer() {
    as_pod 1
    kept=$(pid 1-executor)
    before=$(answers)
    podman stop --time 0 sallyport-1-pgbouncer >/dev/null
    wait_for "that it is noticed" is_not_ready
    say "its pod: 503 $(cat "$box/readyz")"
    podman exec sallyport-1-executor sallyport metrics | grep '^sallyport_journal_failing 1' || die "the executor's metrics do not say so"
    as_pod 0
    is_ready >/dev/null || die "the other pod is not ready either"
    sleep 2
    say "the other is ready; $(($(answers) - before)) deliveries were answered meanwhile"
    podman start sallyport-1-pgbouncer >/dev/null
    as_pod 1
    wait_for "the pod with PgBouncer" is_ready
    [ "$(pid 1-executor)" = "$kept" ] || die "the executor did not wait for it"
    say "ready again, with the same executor"
}

# For longer than an executor's lease: its jobs are another's then.
lose_pgbouncer_for_long() {
    as_pod 1
    kept=$(pid 1-executor)
    lost=$(date +%s)
    podman stop --time 0 sallyport-1-pgbouncer >/dev/null
    wait_for "that the other pod takes the jobs over" is_taken_over
    say "away for longer: its jobs were taken over after $(($(date +%s) - lost)) s"
    podman start sallyport-1-pgbouncer >/dev/null
    wait_for "that its executor notices" is_another 1-executor "$kept"
    podman logs --since "$lost" sallyport-1-executor 2>&1 | grep -m 1 -o 'another executor has taken over the jobs of sallyport-1' ||
        die "its executor did not say why it ended"
    wait_for "the pod with another executor" is_ready
    say "ready again, with another executor"
}
is_taken_over() { [ "$(sql "SELECT count(*) FROM sallyport.executor WHERE name = 'sallyport-1'")" = 0 ]; }

lose_postgresql() {
    kept="$(pid 0-executor) $(pid 1-executor)"
    as_server "$pg/pg_ctl" -D "$box/postgresql" -m immediate stop >/dev/null
    for number in 0 1; do
        as_pod $number
        wait_for "that pod $number notices" is_not_ready
        say "pod $number: 503 $(cat "$box/readyz")"
        podman exec sallyport-$number-executor sallyport metrics >/dev/null || die "its probe of liveness fails"
    done
    start_postgresql
    for number in 0 1; do
        as_pod $number
        wait_for "pod $number" is_ready
    done
    [ "$(pid 0-executor) $(pid 1-executor)" = "$kept" ] || die "an executor did not wait for it"
    say "both ready again, with the same executors"
}

# As README.md says of a volume that is lost. Both pods are stopped.
lose_audit_log() {
    as_pod 1
    rm -r "$box/pod-1/kubelet/audit/audit"
    began=$(date +%s)
    podman pod start sallyport-1 >/dev/null
    wait_for "that the pod does not start without its log" refuses_to_start
    podman logs --since "$began" sallyport-1-executor 2>&1 | sed -n 's/.*"error":"\([^"]*\)".*/\1/p' | grep -m 1 audit
    ! is_ready >/dev/null || die "the pod is ready without its log"
    podman pod stop --time 0 sallyport-1 >/dev/null
    for table in audit audit_checkpoint; do sql "DELETE FROM sallyport.$table WHERE origin = 'sallyport-1'"; done
    podman pod start sallyport-1 >/dev/null
    wait_for "the pod with a new log" is_ready
    say "with a new log it is ready"
}
refuses_to_start() { podman logs --since "$began" sallyport-1-executor 2>&1 | grep 'cannot start' | grep -q audit; }
