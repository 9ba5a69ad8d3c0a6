// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "bare-http",
    dependencies: [.package(url: "https://github.com/apple/swift-nio", from: "2.101.2")],
    targets: [
        .executableTarget(
            name: "bare-http",
            dependencies: [
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            path: "Sources", swiftSettings: [.swiftLanguageMode(.v6)])
    ])
