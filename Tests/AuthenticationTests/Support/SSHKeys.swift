/// Keys as ssh-keygen writes them, made for these tests alone.
enum SSHKeys {
    /// Ed25519.
    static let ed25519 = """
        -----BEGIN OPENSSH PRIVATE KEY-----
        b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
        QyNTUxOQAAACA991wnwyI14vmM2yczBI12S1+INNup9u5zX5L6pgdxhQAAAIhP7mIET+5i
        BAAAAAtzc2gtZWQyNTUxOQAAACA991wnwyI14vmM2yczBI12S1+INNup9u5zX5L6pgdxhQ
        AAAEBNMO7XoOpO4XoTIhP+HUPqWPPJz69UTl/OMBHpj0h2Lz33XCfDIjXi+YzbJzMEjXZL
        X4g026n27nNfkvqmB3GFAAAABHRlc3QB
        -----END OPENSSH PRIVATE KEY-----
        """

    /// ECDSA on P-256.
    static let p256 = """
        -----BEGIN OPENSSH PRIVATE KEY-----
        b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAaAAAABNlY2RzYS
        1zaGEyLW5pc3RwMjU2AAAACG5pc3RwMjU2AAAAQQTsHsqjugJzbIIE9fIMVO5S7j0j//ij
        Z+YHsl/OVURow7Fn/+Pw4ynVX3mHgCgLG/MreuC9JwrMh1PBAIEsZU29AAAAoDrCALM6wg
        CzAAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBOweyqO6AnNsggT1
        8gxU7lLuPSP/+KNn5geyX85VRGjDsWf/4/DjKdVfeYeAKAsb8yt64L0nCsyHU8EAgSxlTb
        0AAAAgBTaObz+H/GiV6ZHKoIC0m9xWxnMlSU+EeFOXJk/a0GUAAAAEdGVzdAECAwQ=
        -----END OPENSSH PRIVATE KEY-----
        """

    /// ECDSA on P-384.
    static let p384 = """
        -----BEGIN OPENSSH PRIVATE KEY-----
        b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAiAAAABNlY2RzYS
        1zaGEyLW5pc3RwMzg0AAAACG5pc3RwMzg0AAAAYQSycwW6p1KP0qqDcJME0ncKXVk76TrX
        3L7Qee0F1wCmV6c3aRr7co9blCO+3qJUP7EC6Qv7Nu9P1m635mk/ll82TXsds+4ItuwKv4
        Ig7m7C9unYzCnl5GoITLPa+yRxKq8AAADQu4yj2ruMo9oAAAATZWNkc2Etc2hhMi1uaXN0
        cDM4NAAAAAhuaXN0cDM4NAAAAGEEsnMFuqdSj9Kqg3CTBNJ3Cl1ZO+k619y+0HntBdcApl
        enN2ka+3KPW5Qjvt6iVD+xAukL+zbvT9Zut+ZpP5ZfNk17HbPuCLbsCr+CIO5uwvbp2Mwp
        5eRqCEyz2vskcSqvAAAAMHe37pu+vlcagzrd1RN6CJDJuZDam2mcnzoHjosnXY6fcaEWmz
        5yTK+0ykGci8XCYgAAAAR0ZXN0AQIDBA==
        -----END OPENSSH PRIVATE KEY-----
        """

    /// ECDSA on P-521.
    static let p521 = """
        -----BEGIN OPENSSH PRIVATE KEY-----
        b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAArAAAABNlY2RzYS
        1zaGEyLW5pc3RwNTIxAAAACG5pc3RwNTIxAAAAhQQAY6M5EDILreNpCfcBHqxg2sPE7VuP
        MdTtq6oC/1bdYseVotgUEbGV36QsnKVATavfc4VGt+zmxE26Ny3QpB6gkBMB5D8RNqtICR
        jvbDox1KoO0lkOmCTkpRudGaxAjuE8SokmYX0wRuZydes27AzH3plzS2Ztbk5EwwVYJLLt
        O+U2U0YAAAEIY3VoJWN1aCUAAAATZWNkc2Etc2hhMi1uaXN0cDUyMQAAAAhuaXN0cDUyMQ
        AAAIUEAGOjORAyC63jaQn3AR6sYNrDxO1bjzHU7auqAv9W3WLHlaLYFBGxld+kLJylQE2r
        33OFRrfs5sRNujct0KQeoJATAeQ/ETarSAkY72w6MdSqDtJZDpgk5KUbnRmsQI7hPEqJJm
        F9MEbmcnXrNuwMx96Zc0tmbW5ORMMFWCSy7TvlNlNGAAAAQgGRSgYgVJHaJ29yY6e+rt7c
        EBNINgzB+0ixlZ9GQySaqEQ8w+CbVH5eDyrN2HCi+3R03k2RPg/j1rEctzxSRrRyCgAAAA
        R0ZXN0AQIDBAUG
        -----END OPENSSH PRIVATE KEY-----
        """

    /// RSA, which is not supported.
    static let rsa = """
        -----BEGIN OPENSSH PRIVATE KEY-----
        b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAABFwAAAAdzc2gtcn
        NhAAAAAwEAAQAAAQEAyA1eouQV3jviMIgZigUoKoxrH2iKK4V0Jhzme0c5EMC6bJJLBu6F
        W62BPizEnhujdPSf60Dzk1BgFKbBI5VFDG4Ze5nj0ucIuqYBQrx9nkNQK30hnJO7NNzkqo
        kWWFjiee/E8Ggky3ZkItQd9ofhuhMxkI9VWxvWkfS3FtwW0PUiocbFPZX3lEGPXWbcmBRW
        hM/WbG4ZgYRPsLv04weoWf3S7JuY8KDfH1X5KnQR4yDhE5JaRUvXincuxs2Jd17uOpq0Zt
        3JVPec/dKLBjULFX6TEgqO2t1K/3k6E5OVkvwQ23N9MFvz84p5sbEC0bsXRvIDdAmunDUA
        wEyZHjbJXwAAA8B1xX1TdcV9UwAAAAdzc2gtcnNhAAABAQDIDV6i5BXeO+IwiBmKBSgqjG
        sfaIorhXQmHOZ7RzkQwLpskksG7oVbrYE+LMSeG6N09J/rQPOTUGAUpsEjlUUMbhl7mePS
        5wi6pgFCvH2eQ1ArfSGck7s03OSqiRZYWOJ578TwaCTLdmQi1B32h+G6EzGQj1VbG9aR9L
        cW3BbQ9SKhxsU9lfeUQY9dZtyYFFaEz9ZsbhmBhE+wu/TjB6hZ/dLsm5jwoN8fVfkqdBHj
        IOETklpFS9eKdy7GzYl3Xu46mrRm3clU95z90osGNQsVfpMSCo7a3Ur/eToTk5WS/BDbc3
        0wW/PzinmxsQLRuxdG8gN0Ca6cNQDATJkeNslfAAAAAwEAAQAAAQAUVfeWy2TFsISvtkYS
        V6/bk2aYTMIu5mQGM83iHj1YzJ6mxsBFth1sUlje/yIFiH23N97BxVp9USBTORhNC7F3MA
        H7JIuaNs4WWyWpqQuD+Qe/Q/sUtZfEKeg8xa610GNFTfBRF+UVobVQLQvWsb1qcuUI8ukU
        V+IZ+CxccIcJOpQA6uMhDx9BWprfl2/blz+7mQEzRnnylDySx+CWDogTNUllkCsAwNuPqL
        CpD6wVwye8fvCZRi0AnXIHvrRdnsNmdpGTSwuNCob0g8nae0AumPpsdAImHXMlrR6m0Oz4
        rcPTlf/5C/cY1SC68tAqQRDnfpgm2NDwu3XR7pVC7emhAAAAgQCqrlP24YNsWzNqK7cnOi
        +GWldRE0qxWxyOq8L3phmK6c1XR3ebQz+ZjQIexNiMu4ZGeTAAzBq8twNsLSZnK1CNN7A+
        CVskTP+YZAL/wcuzzszomPOHSOC5v0eGkGacZV7r/Ev7PKKgwjy16WreRAP1HiKEWXT9xx
        h1ZnhtDta8/AAAAIEA6TmlobDjTdDLx1b7L3LDWF+UZg8nAzg047K8cT1Y9rHEI1cXA8WQ
        Fauu9aPXEa7Xw6iKQ7x4SokQ44Iqiqsk6uydO5bmiNQ0IWHQpSOvTjiweyJkW4tBhFQFZG
        hUA6ykRVq+S5BaFCcWRcpB5zRLXtZ2TO4+REVYxZFlVZZVMEcAAACBANuWcCSM/uPYwQMx
        6G5kwU1ZYzfxYysmaVqpNgclhi/cbv/JaTNznvRQ+09j3NJ/elITi8X7xRd3MwH7DzOBye
        u9gZUF5LKgp6lzehVLE/f4CycszujpaIr86EFroS6yXIpbDlx4H2FrnAeiISKk/2R+VhF2
        T03/YqCTpKmcgoIpAAAABHRlc3QBAgMEBQY=
        -----END OPENSSH PRIVATE KEY-----
        """

    /// Ed25519 under the passphrase `secret`.
    static let encrypted = """
        -----BEGIN OPENSSH PRIVATE KEY-----
        b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABAHVR7SDo
        Jr3ePwUjaA9ePiAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIHmXKAGWnVuFU1sR
        8w6kWsx6K4t8nMsrErNFD5WEdFahAAAAkAHPJSY0hPj3Xp01ptPYJMJCS1dti6XKEfcOd0
        CZB6LGCzWMnV/LjewntwxzmyMqbE7o6ESP4Hr9EFpcDtTLQquN0aG7nbFK+JPcmrQ3gYD8
        K5W99EtGwOruxCwYxIpg9FDNyR1UOOKY6Q8xwbRZc1afNKmUr09kEzMZu7pnI+cE5+0vKH
        gW5CF6GcpELj0z8g==
        -----END OPENSSH PRIVATE KEY-----
        """

    /// The lines of the .pub files, and the fingerprints by ssh-keygen -l.
    static let publicHalves: [String: (line: String, fingerprint: String)] = [
        "ed25519": (
            """
            ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID33XCfDIjXi+YzbJzMEjXZLX4g026n27nNfkvqmB3GF test
            """,
            "SHA256:7a8O0gkUu0Qess+n72wyIuPfdUaqpiN/g4gEsbHPPk4"
        ),
        "p256": (
            """
            ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBOweyqO6AnNsggT18gxU7lLuPSP/\
            +KNn5geyX85VRGjDsWf/4/DjKdVfeYeAKAsb8yt64L0nCsyHU8EAgSxlTb0= test
            """,
            "SHA256:tolsBp4F0NKPJYUVQXZEb/4DSIzaJCAT/AgLmSEqpJA"
        ),
        "p384": (
            """
            ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBLJzBbqnUo/SqoNwkwTSdwpdWTvp\
            OtfcvtB57QXXAKZXpzdpGvtyj1uUI77eolQ/sQLpC/s270/WbrfmaT+WXzZNex2z7gi27Aq/giDubsL26djMKeXkaghMs9r7JHEq\
            rw== test
            """,
            "SHA256:e4IyBtS2J+TjRmdnyZTfwQwbbzMTsvznSa0i0/3im+U"
        ),
        "p521": (
            """
            ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBABjozkQMgut42kJ9wEerGDaw8Tt\
            W48x1O2rqgL/Vt1ix5Wi2BQRsZXfpCycpUBNq99zhUa37ObETbo3LdCkHqCQEwHkPxE2q0gJGO9sOjHUqg7SWQ6YJOSlG50ZrECO\
            4TxKiSZhfTBG5nJ16zbsDMfemXNLZm1uTkTDBVgksu075TZTRg== test
            """,
            "SHA256:HrKdeHHzAq98mku1ooqcdOE/qSvmsGQeJVIXE2pQaHQ"
        ),
    ]
}
