# A chart of scripts/bench-growth's lines as SVG: what a job costs as a site grows. Input, with tabs: what grew, how far, milliseconds of CPU a
# job.
{ what[NR] = $1; far[NR] = $2; cost[NR] = $3; if ($3 + 0 > most) most = $3 + 0 }
END {
    y = 8
    for (line = 1; line <= NR; line++) {
        if (what[line] != what[line - 1]) {
            chart = chart sprintf("<text class=\"t\" x=\"16\" y=\"%d\">%s: CPU a job (ms, of ingress, executor and SSH worker)</text>\n", y + 16, what[line])
            y += 28
        }
        width = 380 * cost[line] / most
        chart = chart sprintf("<text x=\"150\" y=\"%d\" text-anchor=\"end\">%s</text>", y + 13, far[line])
        chart = chart sprintf("<rect x=\"160\" y=\"%d\" width=\"%.1f\" height=\"16\"/><text x=\"%.1f\" y=\"%d\">%s</text>\n", y, width, 166 + width, y + 13, cost[line])
        y += what[line] != what[line + 1] ? 36 : 22
    }
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"620\" height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n", y
    print "<style>svg{background:#fff}.t{font-weight:bold}rect{fill:#1f6feb}</style>"
    printf "%s</svg>\n", chart
}
