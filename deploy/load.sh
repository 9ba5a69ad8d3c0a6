# Sourced by the checks under deploy/: deliveries while something breaks, and what the senders were told beside what the host saw.

# write_load FILE: a script that is run as `FILE SENDER PORT FOLDER`. It sends one delivery after the other to the hook `note` until FOLDER/stop
# is there, and one without a final answer again, as its sender would. PORT may be several, with commas between: then each try goes to the next.
# Needs `sallyport` on its PATH and FOLDER/secrets/hookdeck.
write_load() {
    cat >"$1" <<'END_OF_LOAD'
sender=$1 ports=$2 folder=$3 number=0 body=$3/load-$1.json
while [ ! -e "$folder/stop" ] && [ $number -lt 20000 ]; do
    number=$((number + 1))
    printf '{"id":"%s-%s"}' "$sender" $number >"$body"
    tries=0
    while :; do
        tries=$((tries + 1))
        http=${ports%%,*}
        ports=${ports#*,}
        [ "$http" = "$ports" ] || ports=$ports,$http
        sallyport send "http://127.0.0.1:$http/hooks/note" "$body" --secret "$folder/secrets/hookdeck" --event "$sender-$number" \
            >"$body.answer" 2>/dev/null
        # As in `200 succeeded`, `500 unknown`.
        status=$(sed -n -e '1s/ .*//p' -e 's/^{"job":"[^"]*","status":"\([^"]*\)".*/\1/p' "$body.answer" | tr '\n' ' ')
        case $status in '' | 429* | 503*) [ $tries -lt 600 ] || break ;; *) break ;; esac
        sleep 0.1
    done
    echo "$sender-$number $tries ${status:-none}" >>"$folder/answers/$sender"
done
END_OF_LOAD
}

# judge FOLDER RAN: FOLDER/answers beside RAN, a file with one line for each command that ran.
judge() {
    cat "$1"/answers/* | sort >"$1/told"
    sort "$2" >"$1/ran"
    uniq -d "$1/ran" >"$1/twice"
    awk '$3 ~ /^2/ { print $1 }' "$1/told" | sort >"$1/promised"
    uniq "$1/ran" | comm -23 "$1/promised" - >"$1/lost"
    say "answers: $(awk '{ n[$3 " " $4]++ } END { for (s in n) printf "%s: %d  ", s, n[s] }' "$1/told")"
    say "sent again until there was one: $(awk '$2 > 1' "$1/told" | wc -l) deliveries, $(awk '{ n += $2 - 1 } END { print n }' "$1/told") times"
    say "not answered 2xx, and run: $(uniq "$1/ran" | comm -13 "$1/promised" - | wc -l) (an answer of 500 unknown says that it may have)"
    say "commands run: $(wc -l <"$1/ran"); run twice: $(wc -l <"$1/twice"); answered 2xx and not run: $(wc -l <"$1/lost")"
    [ ! -s "$1/twice" ] || die "run twice: $(tr '\n' ' ' <"$1/twice")"
    [ ! -s "$1/lost" ] || die "answered 2xx and not run: $(tr '\n' ' ' <"$1/lost")"
    [ -s "$1/promised" ] || die "no delivery was answered 2xx"
    ! grep -qE ' (none|429.*|503.*)$' "$1/told" || die "no answer to the end: $(grep -cE ' (none|429.*|503.*)$' "$1/told") deliveries"
}
