# The goals of scripts/bench's lines as a table, and all lines as JSON in the file that `json` names. Input: name, unit, value, goal.
BEGIN { printf "%-44s %12s %-8s %10s  %s\n", "goal", "measured", "", "asked for", "" }
{
    line[NR] = sprintf("    { \"name\": \"%s\", \"unit\": \"%s\", \"value\": %s", $1, $2, $3)
    if ($4 != "") {
        asked = substr($4, 3)
        met = substr($4, 1, 2) == "<=" ? $3 + 0 <= asked + 0 : $3 + 0 >= asked + 0
        printf "%-44s %12s %-8s %10s  %s\n", $1, $3, $2, $4, met ? "met" : "MISSED"
        line[NR] = line[NR] sprintf(", \"goal\": \"%s\", \"met\": %s", $4, met ? "true" : "false")
    }
    line[NR] = line[NR] " }"
}
END {
    printf "{\n  \"date\": \"%s\", \"processors\": %s, \"kernel\": \"%s\",\n  \"results\": [\n", when, cpus, kernel > json
    for (number = 1; number <= NR; number++) printf "%s%s\n", line[number], number < NR ? "," : "" > json
    print "  ]\n}" > json
}
