// swift-tools-version: 6.2
import PackageDescription

/// One list of strict settings for every target of our own.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0335-existential-any.md
    .enableUpcomingFeature("ExistentialAny"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0444-member-import-visibility.md
    .enableUpcomingFeature("MemberImportVisibility"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0409-access-level-on-imports.md
    .enableUpcomingFeature("InternalImportsByDefault"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0443-warning-control-flags.md
    .treatAllWarnings(as: .error),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0458-strict-memory-safety.md
    .strictMemorySafety(),
]

/// Generated protobuf code does not compile under strict memory safety: everything but that.
let generated: [SwiftSetting] = [.swiftLanguageMode(.v6), .enableUpcomingFeature("InternalImportsByDefault")]

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTP2 = Target.Dependency.product(name: "NIOHTTP2", package: "swift-nio-http2")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "sallyport",
    products: [
        .executable(name: "sallyport-ingress", targets: ["sallyport-ingress"]),
        .executable(name: "sallyport-executor", targets: ["sallyport-executor"]),
        .executable(name: "sallyport-ssh-worker", targets: ["sallyport-ssh-worker"]),
        .executable(name: "sallyport", targets: ["sallyport"]),
    ],
    traits: [
        .trait(
            name: "PostgreSQL",
            description: "The executor can keep its journal in PostgreSQL, shared with others. It is then linked with libpq.")
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        // System libraries.
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CPostgreSQL", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CSSH2", pkgConfig: "libssh2", providers: [.apt(["libssh2-1-dev"])]),
        .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CLinux"),

        // Shared by both halves.
        .target(name: "JSON", swiftSettings: strict),
        .target(name: "Authentication", dependencies: ["COpenSSL", "CLinux", "JSON"], swiftSettings: strict),
        .target(name: "Audit", dependencies: ["Authentication", "JSON"], swiftSettings: strict),
        .target(
            name: "Settings", dependencies: ["Authentication", "JSON", "CYAML"], exclude: ["Reload"], swiftSettings: strict),
        .target(
            name: "SettingsReload", dependencies: ["Authentication", "CLinux", "Sandbox"], path: "Sources/Settings/Reload",
            swiftSettings: strict),
        .target(name: "Telemetry", dependencies: ["JSON", "CLinux", logging], swiftSettings: strict),
        .target(name: "Sandbox", dependencies: ["CLinux", "CSeccomp"], swiftSettings: strict),
        .target(
            name: "ProtocolMessages", dependencies: [protobuf], path: "Sources/Protocol/Generated", swiftSettings: generated),
        .target(
            name: "JobProtocol", dependencies: ["ProtocolMessages", "Authentication", "CLinux", protobuf],
            path: "Sources/Protocol",
            exclude: ["Generated", "Transport", "job.proto", "worker.proto", "admin.proto"], swiftSettings: strict),
        .target(
            name: "JobTransport", dependencies: ["JobProtocol", "CLinux", nioCore, nioPosix], path: "Sources/Protocol/Transport",
            swiftSettings: strict),

        // The two gates and the worker: three rooms that never import one another.
        .target(
            name: "Ingress",
            dependencies: [
                "Authentication", "JobProtocol", "JobTransport", "ProtocolMessages", "JSON", "Sandbox", "Settings",
                "SettingsReload", "Telemetry", nioCore,
                nioPosix, nioHTTP1, nioHTTP2, nioSSL, nioTLS, protobuf, logging,
            ],
            swiftSettings: strict),
        .target(
            name: "Executor",
            dependencies: [
                "Audit", "Authentication", "JobProtocol", "JobTransport", "ProtocolMessages", "Sandbox", "Settings",
                "CZlib", "SettingsReload", "Telemetry", "JSON", nioCore, nioPosix,
                protobuf, logging,
                .product(name: "GRDB", package: "GRDB.swift"),
                .target(name: "CPostgreSQL", condition: .when(traits: ["PostgreSQL"])),
            ],
            swiftSettings: strict),
        .target(
            name: "SSH", dependencies: ["CSSH2", "CLinux", "Authentication", "JobProtocol", "ProtocolMessages", protobuf],
            swiftSettings: strict),

        // One-file executables.
        .executableTarget(
            name: "sallyport-ingress",
            dependencies: [
                "Authentication", "Ingress", "Sandbox", "Settings", "SettingsReload", "Telemetry", arguments, logging,
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "sallyport-executor",
            dependencies: [
                "Authentication", "Executor", "Sandbox", "Settings", "SettingsReload", "Telemetry", arguments, logging,
            ],
            swiftSettings: strict),
        .executableTarget(name: "sallyport-ssh-worker", dependencies: ["SSH", "Sandbox", arguments], swiftSettings: strict),
        .executableTarget(
            name: "sallyport",
            dependencies: [
                "Audit", "Authentication", "CLinux", "JobProtocol", "ProtocolMessages", "JSON", "SSH", "Sandbox", "Telemetry",
                nioCore, nioPosix, nioHTTP1, protobuf, arguments,
            ],
            swiftSettings: strict),

        // Tests: a folder a target; Integration runs the real binaries. Support is what several of them use.
        .target(name: "TestSupport", path: "Tests/Support"),
        .target(name: "HostileHost", dependencies: ["TestSupport", "Authentication", "COpenSSL"], path: "Tests/HostileHost"),
        .target(
            name: "HookdeckStandIn", dependencies: ["TestSupport", "JSON", "COpenSSL"], path: "Tests/HookdeckStandIn",
            exclude: ["isolate.js"]),
        .testTarget(name: "JSONTests", dependencies: ["JSON"]),
        .testTarget(name: "AuditTests", dependencies: ["TestSupport", "Audit", "Authentication", "JSON"]),
        .testTarget(name: "AuthenticationTests", dependencies: ["TestSupport", "Authentication", "JSON"]),
        .testTarget(name: "SettingsTests", dependencies: ["TestSupport", "Settings", "Authentication"]),
        .testTarget(name: "SandboxTests", dependencies: ["Sandbox"]),
        .testTarget(name: "TelemetryTests", dependencies: ["Telemetry", "JSON", logging]),
        .testTarget(
            name: "ProtocolTests", dependencies: ["TestSupport", "JobProtocol", "ProtocolMessages", "Authentication", protobuf]),
        .testTarget(name: "SSHTests", dependencies: ["SSH", "TestSupport", "HostileHost", "sallyport-ssh-worker"]),
        .testTarget(
            name: "ExecutorTests",
            dependencies: [
                "TestSupport", "Executor", "Audit", "Authentication", "JSON", "JobProtocol", "ProtocolMessages", "Settings",
                "SettingsReload", logging, nioPosix,
                protobuf, .product(name: "GRDB", package: "GRDB.swift"),
            ], exclude: ["Fixtures"]),
        .testTarget(
            name: "IngressTests",
            dependencies: [
                "TestSupport", "HookdeckStandIn",
                "Ingress", "Authentication", "JobProtocol", "JSON", "ProtocolMessages", "Settings", "SettingsReload", "Telemetry",
                nioCore, nioEmbedded, nioHTTP1, protobuf, logging,
            ]),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "Audit", "Authentication", "Executor", "HookdeckStandIn", "HostileHost", "JSON", "JobProtocol",
                "ProtocolMessages", protobuf, logging,
                "sallyport",
                "sallyport-executor",
                "sallyport-ingress",
                "sallyport-ssh-worker",
            ]),
    ]
)
