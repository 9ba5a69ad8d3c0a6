internal import Authentication
internal import Glibc
internal import NIOCore
internal import Settings

/// Why an ssh-agent gave no signature; names its socket and what to do.
struct AgentError: Error, CustomStringConvertible {
    let description: String

    init(_ place: SSHAgentPlace, _ what: String) { description = "ssh-agent at \(place.socket): \(what)" }

    static func late(_ place: SSHAgentPlace) -> AgentError {
        AgentError(
            place,
            "it did not answer within \(SettingsNode.words(place.timeout)); if it waits for somebody's confirmation, confirm sooner or raise the "
                + "agent's `timeout` and the hosts' `connect-timeout`")
    }

    static func declines(_ place: SSHAgentPlace, _ key: SSHPublicKey) -> AgentError {
        AgentError(
            place,
            "it declines to sign with \(key.fingerprint): it is locked (ssh-add -X), has no such key (ssh-add -l shows which), or nobody confirmed"
        )
    }

    static func wrongSignature(_ place: SSHAgentPlace, _ key: SSHPublicKey) -> AgentError {
        AgentError(place, "what it gave is no signature of \(key.fingerprint), and was not passed on; do not trust this agent")
    }

    static func closed(_ place: SSHAgentPlace) -> AgentError {
        AgentError(place, "it closed the connection without an answer; look at its log, and whether it runs: ssh-add -l")
    }

    static func busy(_ place: SSHAgentPlace) -> AgentError {
        AgentError(place, "\(AgentClient.maximumWaiting) questions wait for their answer already; is it stuck?")
    }

    static func stranger(_ place: SSHAgentPlace, _ allowed: Set<UInt32>) -> AgentError {
        AgentError(
            place,
            "another user's process listens there; the agent must run as one of the uids \(allowed.sorted().map(String.init).joined(separator: ", "))"
        )
    }

    /// What a system call, or the agent, came to.
    static func of(_ error: any Error, _ place: SSHAgentPlace) -> AgentError {
        if let error = error as? AgentError { return error }
        let code = (error as? IOError)?.errnoCode ?? 0
        switch code {
        case ENOENT:
            return AgentError(place, "there is no socket; start the agent (ssh-agent -a \(place.socket)), or correct `socket`")
        case ECONNREFUSED: return AgentError(place, "nobody listens; start the agent again (ssh-agent -a \(place.socket))")
        case EACCES: return AgentError(place, "uid \(ownUID()) may not connect; give it the socket's mode and its folders'")
        case EAGAIN: return AgentError(place, "too many wait to connect; is it stuck?")
        case ECONNRESET, EPIPE: return closed(place)
        case 0: return AgentError(place, "\(error)")
        default: return AgentError(place, unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)")
        }
    }
}
