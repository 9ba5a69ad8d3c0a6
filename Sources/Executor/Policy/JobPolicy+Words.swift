internal import Authentication
internal import JobProtocol
internal import Settings

/// A job for people: what it does, who may ask for it, and what an operator should look at twice.
extension JobPolicy {
    /// A paragraph that names everything a caller can bring about.
    var words: String {
        var lines = ["job \(name): runs \(commandWords)"]
        lines.append(
            "on \(callerChooses ? "one of " : "")\(destinations.joined(separator: ", "))\(orderWords)\(identityWords)")
        lines += parameters.sorted { $0.key < $1.key }.map { name, parameter in
            let fallback = parameter.fallback.map { ", \($0.debugDescription) when it is left out" } ?? ""
            let origin = parameter.place.map { "the signed body at \($0.text)" } ?? "the caller"
            return "\(name) comes from \(origin): \(parameter.type.words), at most \(parameter.maximumLength) bytes\(fallback)"
        }
        if parameters.isEmpty { lines.append("takes nothing from the caller") }
        switch standardInput {
        case .none: break
        case .body: lines.append("reads the delivery's body on standard input")
        case .parameter(let name): lines.append("reads \(name) on standard input")
        }
        lines += [limitWords, attemptWords]
        if containment == .systemd { lines.append("each command in a systemd unit of its own on the host, which ends with it") }
        if passesTrace { lines.append("with which span of its caller's trace it is in \(Self.traceVariable)") }
        if !ingresses.isEmpty { lines.append("only for \(ingresses.sorted().joined(separator: ", "))") }
        if verifier != nil {
            lines.append(
                "only after the executor verified the sender's signature itself: for a hook with `body: true` and `forward: true`"
            )
        }
        if let token {
            let issuers = token.issuerNames.joined(separator: " or ")
            lines.append("only after the executor verified the caller's token of \(issuers) itself")
        }
        return lines.joined(separator: "\n  ")
    }

    private var commandWords: String {
        let words = command.map(\.text).map { $0.isEmpty || $0.contains(" ") ? $0.debugDescription : $0 }
        let variables = environment.sorted { $0.key < $1.key }.map { "\($0)=\($1.text)" }
        return words.joined(separator: " ") + (variables.isEmpty ? "" : " with \(variables.joined(separator: " "))")
    }

    private var orderWords: String {
        switch order {
        case .parallel: destinations.count > 1 && !callerChooses ? ", all at once" : ""
        case .sequence(stops: true): ", one after the other, and no further after one that did not succeed"
        case .sequence(stops: false): ", one after the other, whatever each comes to"
        }
    }

    private var identityWords: String {
        identities.isEmpty ? "" : ", logging in as the caller's choice of \(identities.joined(separator: ", "))"
    }

    private var limitWords: String {
        var words = ["at most \(SettingsNode.words(timeout)) each time", "\(concurrency) at once"]
        if let deadline { words.append("\(SettingsNode.words(deadline)) in all") }
        if let destinationConcurrency { words.append("\(destinationConcurrency) on one host") }
        if let lane { words.append("one after the other for each \(lane.key.text), \(lane.queue) of which may wait") }
        if let rate { words.append("\(rate.count) per \(SettingsNode.words(rate.period)), \(rate.burst) in a row") }
        return words.joined(separator: ", ")
    }

    private var attemptWords: String {
        var words: String
        if retry.attempts > 1 {
            let codes = retry.exitCodes.sorted().map(String.init).joined(separator: ", ")
            words = "up to \(retry.attempts) attempts when it did not start\(codes.isEmpty ? "" : " or ended with \(codes)")"
        } else {
            words = "one attempt"
        }
        switch interrupted {
        case .retry: words += "; runs again when it was cut off, perhaps a second time"
        case .fail: words += "; failed when it was cut off"
        case .unknown: words += "; unknown when it was cut off"
        }
        return words
    }

    /// What may go wrong with these settings although each is good by itself.
    var warnings: [String] { optionWarnings + shellWarnings + patternWarnings + otherWarnings }

    /// A value that stands first in an argument, and may begin with `-`, where an option would be understood.
    private var optionWarnings: [String] {
        let end = command.firstIndex { $0.pieces == [.text("--")] } ?? command.count
        return command[..<end].enumerated().compactMap { index, argument in
            guard case .place(let name) = argument.pieces.first, parameters[name]?.type.admitsHyphen == true else { return nil }
            return
                "\(name) begins argument \(index + 1) and may begin with `-`: it would be an option; put `--` before it or forbid it"
        }
    }

    private static let shells: Set<String> = ["sh", "bash", "dash", "ash", "ksh", "zsh", "fish", "csh", "tcsh", "busybox"]
    /// Programs whose arguments are programs.
    private static let interpreters: Set<String> = [
        "python", "python3", "perl", "ruby", "node", "php", "awk", "eval", "ssh", "su",
    ]

    private var shellWarnings: [String] {
        let names = command.prefix { $0.places.isEmpty }.map { argument in
            argument.text.split(separator: "/").last.map(String.init) ?? ""
        }
        guard let index = names.firstIndex(where: { Self.shells.contains($0) || Self.interpreters.contains($0) }) else {
            return []
        }
        let rest = Array(command.dropFirst(index + 1))
        // The text of the program is the argument after the option; what comes behind it is data.
        guard let option = rest.firstIndex(where: { Self.isProgramOption($0.text) }), rest.count > option + 1 else {
            return names[index] == "eval" && rest.contains { !$0.places.isEmpty }
                ? [Self.code(rest.flatMap(\.places), "eval")] : []
        }
        let places = rest[option + 1].places
        return places.isEmpty ? [] : [Self.code(places, "\(names[index]) \(rest[option].text)")]
    }

    private static func isProgramOption(_ text: String) -> Bool {
        text.hasPrefix("-") && !text.hasPrefix("--") && (text.hasSuffix("c") || text.hasSuffix("e") || text.hasSuffix("r"))
    }

    private static func code(_ places: [String], _ program: String) -> String {
        "\(places.joined(separator: ", ")) stands in the text of a program (\(program)): the caller's value is code there; "
            + "pass it as an argument of its own and write \"$1\""
    }

    private var patternWarnings: [String] {
        parameters.sorted { $0.key < $1.key }.compactMap { name, parameter in
            guard case .pattern(let pattern) = parameter.type, pattern.repeatsAlmostAnything else { return nil }
            return "the pattern of \(name) allows almost anything, line ends too: \(pattern.text)"
        }
    }

    private var otherWarnings: [String] {
        var warnings = environment.keys.sorted().compactMap(EnvironmentNames.warning)
        if interrupted == .retry { warnings.append("`interrupted: retry` may run the command twice") }
        if token == nil, !identities.isEmpty {
            warnings.append("a caller chooses who logs in, and no token is verified here")
        }
        return warnings
    }
}
