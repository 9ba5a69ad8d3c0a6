// swift-tools-version: 6.2
import PackageDescription

/// What meets bytes of strangers, built anew with libFuzzer's eyes in it: `swift build --sanitize fuzzer`, as scripts/fuzz does. A package
/// of its own, of links to the sources, so that nobody else's build knows of it.
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let nio = ["NIOCore", "NIOEmbedded", "NIOHTTP1"].map { Target.Dependency.product(name: $0, package: "swift-nio") }

let package = Package(
    name: "sallyport-fuzz",
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    ],
    targets: [
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto"),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1"),
        .target(name: "CLinux"),
        .target(name: "JSON"),
        .target(name: "Authentication", dependencies: ["COpenSSL", "CLinux", "JSON"]),
        .target(name: "Audit", dependencies: ["Authentication", "JSON"]),
        .target(name: "Settings", dependencies: ["Authentication", "JSON", "CYAML"], exclude: ["Reload"]),
        .target(name: "ProtocolMessages", dependencies: [protobuf], path: "Sources/Protocol/Generated"),
        .target(
            name: "JobProtocol", dependencies: ["ProtocolMessages", "Authentication", "CLinux", protobuf],
            path: "Sources/Protocol", exclude: ["Generated", "Transport", "job.proto", "worker.proto", "admin.proto"]),
        // Single files of the two halves and of the worker that need nothing else of them.
        .target(name: "Parsers", dependencies: ["Authentication", "JSON", "Settings", "CLinux"] + nio),
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                "Parsers", "Audit", "Authentication", "JSON", "Settings", "JobProtocol", "ProtocolMessages", protobuf,
            ] + nio),
    ],
    swiftLanguageModes: [.v6]
)
