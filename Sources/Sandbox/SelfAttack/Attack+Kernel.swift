internal import CLinux
internal import Glibc

extension Attack {
    /// Calls with arguments that do nothing: what counts is that the kernel does not get to look at them.
    private static func surface(_ name: String, _ words: String, _ arguments: Int...) -> Attack {
        Attack(.kernel, words) { _ in
            guard let number = SystemCall.number(name) else { return Int(-ENOSYS) }
            return unsafe sallyport_system_call(number, SystemCall.six(arguments))
        }
    }

    /// Doors that exploits of the kernel came through, and ways back to more rights.
    static let kernel: [Attack] = [
        Attack(.kernel, "io_uring") { _ in SystemCall.make("io_uring_setup", 4, SystemCall.bytes(256)) },
        surface("userfaultfd", "userfaultfd", 1), surface("bpf", "bpf", 0, 0, 0),
        surface("keyctl", "the kernel's keys", 0, -3, 0), surface("add_key", "a key for the kernel", 0, 0, 0, 0, -3),
        surface("unshare", "a user namespace of its own", 0x1000_0000), surface("setns", "another namespace", -1, 0),
        surface("mount", "mount", 0, 0, 0, 0, 0), surface("umount2", "umount", 0, 0),
        surface("move_mount", "move a mount", -1, 0, -1, 0, 0), surface("fsopen", "the newer way to mount", 0, 0),
        surface("chroot", "chroot", SystemCall.text("/")), surface("pivot_root", "pivot_root", 0, 0),
        surface("init_module", "load a module", 0, 0, 0), surface("finit_module", "load a module from a file", -1, 0, 0),
        surface("kexec_load", "load another kernel", 0, 0, 0, -1), surface("sethostname", "name the host", 0, 5),
        surface("clock_settime", "set the clock", 0, 0), surface("personality", "another personality", 0xffff_ffff),
        surface("quotactl", "disk quotas", -1, 0, 0, 0), surface("fanotify_init", "fanotify", 0, 0),
        surface("seccomp", "another filter", 99, 0, 0), surface("landlock_create_ruleset", "another Landlock domain", 0, 0, 1),
        surface("capset", "capabilities", 0, 0), surface("setuid", "another user", Int(getuid())),
        surface("setgroups", "other groups", 0, 0), surface("setresuid", "another user, all three", -1, -1, -1),
        surface("kcmp", "compare two processes", 1, 1, 0, 0, 0), surface("modify_ldt", "segments of its own", 0, 0, 0),
        surface("iopl", "ports of the machine", 0), surface("shmget", "System V memory", 0, 0, 0),
        surface("msgget", "System V messages", -1, 0), surface("semget", "System V semaphores", -1, 0, 0),
        surface("mq_open", "POSIX messages", 0, 0, 0, 0), surface("syslog", "the kernel's log", 10, 0, 0),
        surface("vmsplice", "splice memory", -1, 0, 0, 0), surface("splice", "splice", -1, 0, -1, 0, 0, 0),
        surface("ioprio_set", "priorities of the disk", 0, 0, 0), surface("membarrier", "membarrier", -1, 0, 0),
        Attack(.kernel, "be dumpable again") { _ in SystemCall.make("prctl", 4, 1) },
        Attack(.kernel, "choose its own memory map") { _ in SystemCall.make("prctl", 35, 99) },
        Attack(.kernel, "a higher limit for cores") { _ in
            SystemCall.make("prlimit64", 0, 4, SystemCall.words([0, 0]))
        },
        Attack(.kernel, "a call of the 32-bit machine") { _ in sallyport_foreign_call() },
        Attack(.kernel, "a call of x32") { _ in
            // __X32_SYSCALL_BIT with getpid(2); other machines have no such number.
            unsafe sallyport_system_call(0x4000_0000 | 39, SystemCall.six([]))
        },
    ]

    /// Code that was not there when the process was sealed, and what a crash leaves.
    static let memory: [Attack] = [
        Attack(.memory, "memory to write and run") { _ in
            let memory = SystemCall.make("mmap", 0, 4096, Int(PROT_READ | PROT_WRITE | PROT_EXEC), 0x22, -1, 0)
            return memory < 0 ? memory : 0
        },
        Attack(.memory, "make memory runnable") { _ in
            let memory = SystemCall.make("mmap", 0, 4096, Int(PROT_READ | PROT_WRITE), 0x22, -1, 0)
            return memory < 0 ? memory : SystemCall.make("mprotect", memory, 4096, Int(PROT_READ | PROT_EXEC))
        },
        Attack(.memory, "the same with a protection key") { _ in
            let memory = SystemCall.make("mmap", 0, 4096, Int(PROT_READ | PROT_WRITE), 0x22, -1, 0)
            return memory < 0 ? memory : SystemCall.make("pkey_mprotect", memory, 4096, Int(PROT_READ | PROT_EXEC), -1)
        },
        Attack(.memory, "load a library") { _ in unsafe Int(sallyport_load_library("libutil.so.1")) },
        {
            var attack = Attack(.memory, "leave a core") { _ in
                // A fault, past whatever handles it.
                unsafe UnsafeMutablePointer<UInt8>(bitPattern: 16)?.pointee = 1
                return 0
            }
            attack.crashes = true
            return attack
        }(),
    ]
}
