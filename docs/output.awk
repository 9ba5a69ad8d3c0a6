# Compares what a page shows with what a command printed, for docs/check: `…` is any text, a line `…` any lines. Nothing shown: anything.
function pattern(line) {
    gsub(/[][\\.*^$+?(){}|]/, "\\\\&", line)
    gsub(/…/, ".*", line)
    return "^" line "$"
}
# Whether the lines shown from i on match those printed from j on.
function matches(i, j) {
    if (i > wanted) return j > printed
    if (want[i] == "…") return matches(i + 1, j) || (j <= printed && matches(i, j + 1))
    return j <= printed && line[j] ~ pattern(want[i]) && matches(i + 1, j + 1)
}
FILENAME == ARGV[1] { want[++wanted] = $0; next }
{ line[++printed] = $0 }
END { exit wanted > 0 && !matches(1, 1) }
