/// Limits on what a job request and its result may hold. Both sides check them; the executor's check is the one that counts.
public enum JobLimits {
    /// Parameters of one request.
    public static let parameters = 64
    /// Bytes of a parameter's name, a hook's, a job's, a destination's or an identity's.
    public static let name = 64
    /// Bytes of one parameter's value.
    public static let parameterValue = 4 * 1024
    /// Bytes of all parameters together: an envelope must fit into a frame.
    public static let parameterBytes = 32 * 1024
    /// Bytes of an event id.
    public static let eventID = 255
    /// Bytes of a correlation id.
    public static let correlationID = 128
    /// Bytes of a token that is handed on.
    public static let token = 8 * 1024
    /// Bytes of a sender's signatures that are handed on, and of what was signed with them.
    public static let webhookSignatures = 2 * 1024
    /// Bytes of a body that goes to a command's standard input.
    public static let body = 1024 * 1024
    /// Longest life of a request, in milliseconds from issued-at to expires-at.
    public static let lifetimeMilliseconds: Int64 = 10 * 60 * 1000
    /// Clock difference between the halves that is put up with, in milliseconds.
    public static let clockSkewMilliseconds: Int64 = 60 * 1000
    /// Bytes of output, both streams of all destinations together, that one result carries.
    public static let resultOutput = 48 * 1024
    /// Bytes of the error text in a result.
    public static let errorText = 1024
    /// Bytes of the error texts of all destinations together.
    public static let destinationErrors = 8 * 1024
    /// Bytes of a command's arguments and environment together, before they are quoted.
    public static let commandBytes = 28 * 1024
    /// Destinations of one job.
    public static let destinations = 32
}
