internal import Authentication
internal import Settings

/// Reads a job's `verify`: the sender's signature, which the executor verifies again itself.
enum VerifySettings {
    static func verifier(_ job: SettingsMapping, parameters: [String: JobPolicy.Parameter]) -> DeliveryVerifier? {
        let node = job.optional("verify")
        guard node.isPresent else {
            for (name, value) in job.optional("parameters").entries() where parameters[name]?.place != nil {
                value.problem("`payload` is for a job with `verify`; elsewhere the hook says where a parameter comes from")
            }
            return nil
        }
        for key in ["destination", "identity"] where job.optional(key).isPresent {
            job.optional(key).problem("with `verify` nothing may come from the ingress's word; leave the choice out")
        }
        for (name, value) in job.optional("parameters").entries() where parameters[name].map({ $0.place == nil }) == true {
            value.problem("with `verify` it comes from the signed body; say where, as in `payload: /after`")
        }
        let scheme = node.mapping("standard-webhooks").required("standard-webhooks")
        guard scheme.isPresent else { return nil }
        let keys = scheme.mapping("public-key", "public-keys", "tolerance")
        let tolerance = keys.optional("tolerance").duration(in: DeliveryVerifier.toleranceRange)
        guard let list = keys.webhookPublicKeys() else { return nil }
        do throws(AuthenticationError) {
            return try DeliveryVerifier(
                keys: list, tolerance: tolerance.map { max(1, $0.components.seconds) } ?? SignatureLimits.tolerance)
        } catch {
            return scheme.refused("\(error)")
        }
    }
}
