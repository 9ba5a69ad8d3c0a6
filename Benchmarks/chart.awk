# A chart of scripts/bench's lines as SVG: a bar for each contender of what is compared. Input: name, unit, value.
function panel(title, unit, names, labels, count,    index_, name, most, width) {
    most = 0
    for (index_ = 1; index_ <= count; index_++) if (value[names[index_]] + 0 > most) most = value[names[index_]] + 0
    if (most == 0) return
    printf "<text class=\"t\" x=\"16\" y=\"%d\">%s (%s)</text>\n", y + 16, title, unit
    y += 28
    for (index_ = 1; index_ <= count; index_++) {
        name = names[index_]
        if (!(name in value)) continue
        width = 380 * value[name] / most
        printf "<text x=\"210\" y=\"%d\" text-anchor=\"end\">%s</text>", y + 13, labels[index_]
        printf "<rect class=\"%s\" x=\"220\" y=\"%d\" width=\"%.1f\" height=\"16\"/>", name ~ /sallyport/ ? "o" : "p", y, width < 1 ? 1 : width
        printf "<text x=\"%.1f\" y=\"%d\">%s</text>\n", 226 + width, y + 13, value[name]
        y += 22
    }
    y += 14
}
{ value[$1] = $3 }
END {
    print "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"700\" height=\"470\" font-family=\"sans-serif\" font-size=\"12\">"
    print "<style>svg{background:#fff}.t{font-weight:bold}.o{fill:#1f6feb}.p{fill:#b8c0cc}</style>"
    y = 8
    n[1] = "refusal.bare.cpu"; l[1] = "bare SwiftNIO (limit)"
    n[2] = "refusal.sallyport.cpu"; l[2] = "Sallyport"
    n[3] = "refusal.webhook.cpu"; l[3] = "adnanh/webhook"
    panel("CPU of a refused signature", "µs, less is better", n, l, 3)
    n[1] = "jobs.bare"; l[1] = "bare libssh2 (limit)"
    n[2] = "jobs.sallyport"; l[2] = "Sallyport"
    n[3] = "jobs.master"; l[3] = "webhook + ControlMaster"
    n[4] = "jobs.fresh"; l[4] = "webhook + fresh ssh"
    panel("Commands over SSH, 8 in flight", "jobs/s, more is better", n, l, 4)
    n[1] = "latency.bare.p50"; l[1] = "bare channel, p50"
    n[2] = "latency.sallyport.p50"; l[2] = "Sallyport, p50"
    n[3] = "latency.bare.p99"; l[3] = "bare channel, p99"
    n[4] = "latency.sallyport.p99"; l[4] = "Sallyport, p99"
    panel("Latency at half load", "ms, less is better", n, l, 4)
    print "</svg>"
}
