/// A kind of thing that a C library makes and its caller frees, with the functions that do so.
struct Handle {
    /// What a function does to the count.
    enum Effect: String {
        /// Returns a new one, or NULL.
        case makes = "MAKES"
        /// Puts a new one where its second argument points.
        case puts = "PUTS"
        /// Makes one when its third argument, which would be used instead, is NULL.
        case makesWithoutThird = "MAKES_WITHOUT_THIRD"
        /// One of those that is held is held once more.
        case refers = "REFERS"
        /// Frees the one that is its first argument; with NULL it does nothing.
        case frees = "FREES"
        /// Takes its second and third argument into its first, which frees them.
        case takesTwo = "TAKES_TWO"
        /// Not a function of a library: the counting library's own text adds to it.
        case made, gone

        var sign: Int {
            switch self {
            case .makes, .puts, .makesWithoutThird, .refers, .made: 1
            case .frees, .takesTwo, .gone: -1
            }
        }

        var isWrapped: Bool { self != .made && self != .gone }
    }

    let name: String
    let functions: [(name: String, effect: Effect)]

    private init(_ name: String, _ functions: [(String, Effect)]) {
        self.name = name
        self.functions = functions.map { (name: $0.0, effect: $0.1) }
    }

    /// Everything of libssh2, OpenSSL and BoringSSL that the programs, or libssh2 for them, make and free.
    ///
    /// What is counted in blocks has no names, and so finds what no pair here does: memory that a library makes inside, and what it hands
    /// out without a handle.
    static let all = [
        Handle("libssh2 session", [("libssh2_session_init_ex", .made), ("libssh2_session_free", .gone)]),
        Handle(
            "libssh2 channel",
            [
                ("libssh2_channel_open_ex", .made), ("libssh2_channel_direct_tcpip_ex", .made), ("libssh2_channel_free", .gone),
                // Those that were open when their session was freed.
                ("libssh2_session_free (channels)", .gone),
            ]),
        Handle("libssh2 block", [("session's alloc", .made), ("session's free", .gone)]),
        Handle("BIO", [("BIO_new_mem_buf", .makes), ("BIO_new", .makes), ("BIO_free", .frees)]),
        Handle(
            "BIGNUM",
            [
                ("BN_new", .makes), ("BN_bin2bn", .makesWithoutThird), ("BN_free", .frees), ("BN_clear_free", .frees),
                ("ECDSA_SIG_set0", .takesTwo),
            ]),
        Handle("BN_CTX", [("BN_CTX_new", .makes), ("BN_CTX_free", .frees)]),
        Handle("EC_KEY", [("EC_KEY_new_by_curve_name", .makes), ("EC_KEY_free", .frees)]),
        Handle("EC_POINT", [("EC_POINT_new", .makes), ("EC_POINT_free", .frees)]),
        Handle("ECDSA_SIG", [("ECDSA_SIG_new", .makes), ("d2i_ECDSA_SIG", .makes), ("ECDSA_SIG_free", .frees)]),
        Handle("EVP_CIPHER_CTX", [("EVP_CIPHER_CTX_new", .makes), ("EVP_CIPHER_CTX_free", .frees)]),
        Handle("EVP_MAC", [("EVP_MAC_fetch", .makes), ("EVP_MAC_free", .frees)]),
        Handle("EVP_MAC_CTX", [("EVP_MAC_CTX_new", .makes), ("EVP_MAC_CTX_dup", .makes), ("EVP_MAC_CTX_free", .frees)]),
        Handle("EVP_MD_CTX", [("EVP_MD_CTX_new", .makes), ("EVP_MD_CTX_free", .frees)]),
        Handle(
            "EVP_PKEY",
            [
                ("EVP_PKEY_new_raw_public_key", .makes), ("EVP_PKEY_new_raw_private_key", .makes),
                ("PEM_read_bio_PrivateKey", .makes), ("d2i_PrivateKey", .makes), ("EVP_PKEY_fromdata", .puts),
                ("EVP_PKEY_generate", .puts), ("EVP_PKEY_keygen", .puts), ("EVP_PKEY_up_ref", .refers), ("EVP_PKEY_free", .frees),
            ]),
        Handle(
            "EVP_PKEY_CTX",
            [
                ("EVP_PKEY_CTX_new", .makes), ("EVP_PKEY_CTX_new_id", .makes), ("EVP_PKEY_CTX_new_from_name", .makes),
                ("EVP_PKEY_CTX_free", .frees),
            ]),
        Handle("HMAC_CTX", [("HMAC_CTX_new", .makes), ("HMAC_CTX_free", .frees)]),
        Handle("OSSL_PARAM_BLD", [("OSSL_PARAM_BLD_new", .makes), ("OSSL_PARAM_BLD_free", .frees)]),
        Handle("OSSL_PARAM", [("OSSL_PARAM_BLD_to_param", .makes), ("OSSL_PARAM_free", .frees)]),
        Handle("libcrypto block", [("libcrypto's malloc", .made), ("libcrypto's free", .gone)]),
        Handle("BoringSSL block", [("OPENSSL_memory_alloc", .made), ("OPENSSL_memory_free", .gone)]),
    ]

    /// All functions in the order of their counters.
    static let functions = all.flatMap(\.functions)
}
