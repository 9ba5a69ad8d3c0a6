// swift-tools-version: 6.2
import PackageDescription

/// What the two gates compute for each delivery, one step at a time, as scripts/bench-micro measures it. A package of its own, of links to
/// the sources, so that nobody else's build knows of it: what is measured is compiled as in the programs, and internal code stays internal.
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

let package = Package(
    name: "sallyport-micro",
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        // Without its traits: nothing is put before malloc(3) and swift_retain.
        .package(url: "https://github.com/ordo-one/benchmark", exact: "1.38.1", traits: []),
    ],
    targets: [
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto"),
        .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp"),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib"),
        .target(name: "CLinux"),
        .target(name: "CCallgrind"),
        .target(name: "JSON"),
        .target(name: "Authentication", dependencies: ["COpenSSL", "CLinux", "JSON"]),
        .target(name: "Audit", dependencies: ["Authentication", "JSON"]),
        .target(name: "Settings", dependencies: ["Authentication", "JSON", "CYAML"], exclude: ["Reload"]),
        .target(name: "Telemetry", dependencies: ["JSON", "CLinux", logging]),
        .target(name: "Sandbox", dependencies: ["CLinux", "CSeccomp"]),
        .target(name: "ProtocolMessages", dependencies: [protobuf], path: "Sources/Protocol/Generated"),
        .target(
            name: "JobProtocol", dependencies: ["ProtocolMessages", "Authentication", "CLinux", protobuf],
            path: "Sources/Protocol", exclude: ["Generated", "Transport", "job.proto", "worker.proto", "admin.proto"]),
        // The cases, in one module with the files of the gates and the worker that they call.
        .target(
            name: "Cases",
            dependencies: [
                "Audit", "Authentication", "CZlib", "JSON", "JobProtocol", "ProtocolMessages", "Sandbox", "Settings", "Telemetry",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            exclude: [
                "Linked/Journal/JournalCare.swift", "Linked/Journal/Pruning.swift", "Linked/Journal/JournalSettings.swift",
                "Linked/Journal/JournalCopy.swift", "Linked/Journal/SQLite/SQLiteCare.swift",
                "Linked/Journal/SQLite/SQLiteSource.swift", "Linked/Policy/JobPolicy+Words.swift",
            ],
            swiftSettings: [.enableUpcomingFeature("InternalImportsByDefault")]),
        // Counts instructions, under callgrind.
        .executableTarget(name: "Count", dependencies: ["Cases", "CCallgrind"]),
        // Takes the time, by ordo-one/benchmark, which looks for it in a folder of this name.
        .executableTarget(
            name: "Clock", dependencies: ["Cases", .product(name: "Benchmark", package: "benchmark")],
            path: "Benchmarks/Clock"),
    ],
    swiftLanguageModes: [.v6]
)
