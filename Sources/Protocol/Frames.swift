public import ProtocolMessages
internal import SwiftProtobuf

/// The limits of a frame, and how one becomes bytes.
public enum Frames {
    /// Bytes of the length that precedes every frame.
    public static let lengthBytes = 4
    /// Largest payload of one frame, in bytes; checked before anything is allocated for it.
    public static let maximumPayload = 64 * 1024
    /// Largest piece of body or output in one frame, in bytes: leaves room for the fields around it.
    public static let maximumChunk = 32 * 1024
    /// Version both sides of the job socket say in Hello; a peer with another one is refused. From 2 on an executor signs what it
    /// has accepted.
    public static let protocolVersion: UInt32 = 2
    /// The same for the worker socket.
    public static let workerVersion: UInt32 = 1

    /// The frame with its length in front.
    ///
    /// - Throws: ``ProtocolError`` when it would be larger than ``maximumPayload``.
    public static func encode(_ frame: WireFrame) throws(ProtocolError) -> [UInt8] { try encode(message: frame) }

    /// As ``encode(_:)-(WireFrame)``, for the worker socket.
    public static func encode(_ frame: WireWorkerFrame) throws(ProtocolError) -> [UInt8] { try encode(message: frame) }

    /// As ``encode(_:)-(WireFrame)``, for requests on the admin socket.
    public static func encode(_ frame: WireAdminRequest) throws(ProtocolError) -> [UInt8] { try encode(message: frame) }

    /// As ``encode(_:)-(WireFrame)``, for answers on the admin socket.
    public static func encode(_ frame: WireAdminResponse) throws(ProtocolError) -> [UInt8] { try encode(message: frame) }

    /// The job frame in `payload`; one without a kind is malformed.
    public static func decodeJobFrame(_ payload: ArraySlice<UInt8>) throws(ProtocolError) -> WireFrame.OneOf_Kind {
        guard let kind = try decode(WireFrame.self, payload).kind else { throw .malformed("frame of unknown kind") }
        return kind
    }

    /// The worker frame in `payload`; one without a kind is malformed.
    public static func decodeWorkerFrame(_ payload: ArraySlice<UInt8>) throws(ProtocolError) -> WireWorkerFrame.OneOf_Kind {
        guard let kind = try decode(WireWorkerFrame.self, payload).kind else { throw .malformed("frame of unknown kind") }
        return kind
    }

    /// The admin request in `payload`; one without a kind is malformed.
    public static func decodeAdminRequest(_ payload: ArraySlice<UInt8>) throws(ProtocolError) -> WireAdminRequest.OneOf_Kind {
        guard let kind = try decode(WireAdminRequest.self, payload).kind else { throw .malformed("request of unknown kind") }
        return kind
    }

    /// The admin answer in `payload`; one without a kind is malformed.
    public static func decodeAdminResponse(_ payload: ArraySlice<UInt8>) throws(ProtocolError) -> WireAdminResponse.OneOf_Kind {
        guard let kind = try decode(WireAdminResponse.self, payload).kind else { throw .malformed("answer of unknown kind") }
        return kind
    }

    private static func decode<M: Message>(_: M.Type, _ payload: ArraySlice<UInt8>) throws(ProtocolError) -> M {
        do {
            return try M(serializedBytes: Array(payload))
        } catch {
            throw .malformed("\(error)")
        }
    }

    private static func encode(message: some Message) throws(ProtocolError) -> [UInt8] {
        let payload: [UInt8]
        do {
            payload = try message.serializedBytes()
        } catch {
            throw .malformed("\(error)")
        }
        guard payload.count <= maximumPayload else { throw .frameTooLarge(payload.count) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(lengthBytes + payload.count)
        let length = UInt32(payload.count).bigEndian
        unsafe withUnsafeBytes(of: length) { raw in unsafe bytes.append(contentsOf: raw) }
        bytes.append(contentsOf: payload)
        return bytes
    }
}
