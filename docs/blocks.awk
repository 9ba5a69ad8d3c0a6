# Takes the blocks of a page apart, for docs/check: N.kind (run or file), N.text, N.expect, N.exit, N.place in the folder `steps`.
function fail(text) {
    print "docs/check: " FILENAME ":" FNR ": " text > "/dev/stderr"
    bad = 1
}
function begin(kind) {
    number++
    print kind > (steps "/" number ".kind")
    print FILENAME ":" FNR > (steps "/" number ".place")
    printf "" > (steps "/" number ".text")
    printf "" > (steps "/" number ".expect")
    code[number] = 0
}
function text(line) { print line > (steps "/" number ".text") }
function command(line) {
    if (match(line, / +# exit [0-9]+$/)) {
        ending = substr(line, RSTART)
        sub(/.*exit /, "", ending)
        code[number] = ending
        line = substr(line, 1, RSTART - 1)
    }
    if (match(line, /<<'?END'?/)) inHere = 1
    isOpen = line ~ /\\$/
    text(line)
}
# In a list a block is indented as its item is.
function outdented(line) { return substr(line, 1, indent) ~ /^ *$/ ? substr(line, indent + 1) : line }

FNR == 1 { inBlock = 0; whole = 0; mark = "" }
!inBlock && /^ *<!-- page not run: .+ -->$/ { whole = 1; next }
!inBlock && /^ *<!-- not run: .+ -->$/ { mark = "skip"; next }
# What a page need not show: a command that must end with 0.
!inBlock && /^ *<!-- check: .+ -->$/ {
    begin("run")
    line = $0
    sub(/^ *<!-- check: /, "", line)
    sub(/ -->$/, "", line)
    text(line)
    next
}
!inBlock && /^ *<!-- file: .+ -->$/ {
    mark = "file"
    path = $0
    sub(/^ *<!-- file: /, "", path)
    sub(/ -->$/, "", path)
    next
}
!inBlock && /^ *```/ {
    language = $0
    sub(/^ *```/, "", language)
    indent = match($0, /`/) - 1
    inBlock = 1
    inHere = isOpen = 0
    kind = mark == "" ? (language == "console" ? "run" : "none") : mark
    if (kind == "none" && language == "sh" && !whole) fail("a block of `sh` that is not run; make it ```console, or write <!-- not run: REASON --> before it")
    if (kind == "skip" && language != "sh") fail("only a block of `sh` needs a reason why it is not run")
    if (whole && language == "console") fail("a console block on a page that is not run")
    if (kind == "file") {
        begin("file")
        print path > (steps "/" number ".expect")
    }
    mark = ""
    next
}
inBlock && /^ *```$/ {
    if (inHere || isOpen) fail("the block ends within a command")
    inBlock = 0
    next
}
inBlock && kind == "file" { text(outdented($0)); next }
inBlock && kind == "run" {
    line = outdented($0)
    if (inHere) {
        text(line)
        if (line == "END") inHere = 0
    } else if (isOpen) {
        command(line)
    } else if (line ~ /^\$ /) {
        begin("run")
        command(substr(line, 3))
    } else if (number == 0) {
        fail("output without a command")
    } else {
        print line > (steps "/" number ".expect")
    }
    next
}
# A mark belongs to the block right behind it.
!inBlock && mark != "" && /[^ ]/ { fail("a mark without a block"); mark = "" }
END {
    for (i = 1; i <= number; i++) print code[i] > (steps "/" i ".exit")
    if (inBlock) fail("a block that does not end")
    exit bad
}
