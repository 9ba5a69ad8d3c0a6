import CCallgrind
import Cases
import Dispatch
import Glibc
import Synchronization

// Under valgrind --tool=callgrind --instr-atstart=no: for each case one dump of counts, by its name, and a line on standard output with the
// runs that are in it. Arguments: the folder for journals, then names of cases, all without one.
let arguments = Array(CommandLine.arguments.dropFirst())
guard let folder = arguments.first, sallyport_callgrind_is_here() else {
    print("count: run it by scripts/bench-micro, under valgrind, built where valgrind's headers are")
    exit(2)
}

/// The main thread waits: one that has ended is more than valgrind 3.19 can stand.
func wait(for body: @escaping @Sendable () async throws -> Void) throws {
    let done = DispatchSemaphore(value: 0)
    let result = Mutex(Result<Void, any Error>.success(()))
    let box = Box(result)
    Task {
        do { try await body() } catch { box.value.withLock { $0 = .failure(error) } }
        done.signal()
    }
    done.wait()
    try box.value.withLock { try $0.get() }
}

final class Box<T: Sendable>: Sendable {
    let value: Mutex<T>
    init(_ value: consuming Mutex<T>) { self.value = value }
}

let wanted = Set(arguments.dropFirst())
for one in Case.all where wanted.isEmpty || wanted.contains(one.name) {
    // What is done once for all runs is not counted.
    let before = max(2, one.counted / 10)
    switch one.kind {
    case .plain(let prepare):
        let run = try prepare()
        for _ in 0..<before { try run() }
        sallyport_callgrind_start()
        for _ in 0..<one.counted { try run() }
        sallyport_callgrind_stop(one.name)
    case .waiting(let prepare):
        try wait {
            let run = try await prepare(folder)
            for _ in 0..<before { try await run() }
            sallyport_callgrind_start()
            for _ in 0..<one.counted { try await run() }
            sallyport_callgrind_stop(one.name)
        }
    }
    print("\(one.counted) \(one.name)")
    fflush(nil)
}
