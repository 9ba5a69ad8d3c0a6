/// Keys made for these tests alone, and those that RFCs print.
enum TestKeys {
    /// 64 bytes, enough for every HMAC algorithm.
    static let secret = String(repeating: "0123456789abcdef", count: 4)

    /// RSA, 2048 bits.
    static let rsaJWK = """
        {"kty":"RSA","n":"jbGMcJPNV5aZzx3rD7idRXJW4xzSahwMCPqyUQBmMr4yQCOd3VJmMgGp7jTHvNi1746zDpwC9QEv-RA8WU\
        qU9k31Tt8_qIdCoN8C8qICW57hQZLKseeSMrLOWFQl_X-xgDam53Qx_ErH_LOnuj5Qzwl1s-q38Oe2F-ln41MPsplWyzgLubXI4y\
        V3OJt5-tHEFnylyUmXDyx7EnEXhYy5U7FSZep1QjIS3kXSkQWncDP40YZMSftZgN5R_R7IQ4s-Y7yWfN-S-UqjuhXkRaoQHz797l\
        SqZ_AhLsaS-w1iEsbPnN8w6WyRGOvZu1dKJJewnUjDF_2shI18c-GYyes-dQ","e":"AQAB","d":"BYDLz44t_3ozPGlmY79BJx\
        1Vuo8NV7RXKKdz8tQXzrNhsulZ4ZVTBXDYb2P6uJ7svK0czzMdT56y2kgtz9n8XG89WR7ak2pixWoOl0CA5EYQwZc4lXLvqVXAez\
        W-yVBYTdPRj6kM9_DU65T0ArZril73r1EtFlzUJFbwWKff3Ykq8LRLrVR4uIGrE6fifHMH5cePMUvfB0AD1HHkAZM_ojO42WEkXl\
        sNb-IPs-zirMYFLlBf_RF-Pumhm2wPvrf8hutuzOp3CYydpPgoS94VdwKgu5y9Qg5QxvVMfOu3oT36LMd3SJNZsTDDf3edQNFqhS\
        Wogqk4qlZNxo95dXZm0Q","p":"wXLXKy1OpmxysTlkhMOFeSJFwzizDynItfG_tBLRea3KRpxgV8AnqjkKlAcKDPDbmBus5alWY\
        j1Bj6E8oi5SoolYB56uPASbnPH-yWWEr20Ex5j0yuH-36LmvsZJz59-2RJMoUYtWmlyTmW0SgQrX5q45uk0Gq1vHrQwq9rRWzs",\
        "q":"u4KQLTmlsBxXffw8G0Rr5-fMLSxfyOO-HOsDac3-2S7AQIM0P57L8DH0WJ-DltgM8z_zlltMhx1Find5f8kUEy3xMRiIpQB\
        iq27dlQomDF7OjfHbbWPKFOWDfRXEDZfdAjL5JHx-rw3nTeSLU36P64FndoBqSorrIMecikZqUg8","dp":"vFJIFchtoKZCoTT2\
        HikZbutmbr5r0n8i3b0SmwMW2hXNrR_eyo5ODvCo06JmrmJr5JBMqOdJKSnpASI-HMRrvb9m60QW6max9v--weEKYp0G4iiNZlTM\
        Anpbl60BfhYPLtMZtobS8AlnNdrcwJF-h_vftSuhhbcBTiqslyDWXrE","dq":"Jgnrk7EhIqPtP9qemu17cnU8n2FkIQ3KcHVgo\
        OMwMwDf8XZscAeX2adYqW3atQwpPGOZ18O3t6VBiUCJflndX7KvPkV62vZEDgEUpHqFk3bcMkGBQSTARxL0ZLi4qAVJyXtrvXIgB\
        QUuCkg1139SVPVQduLALVUXM_QqloaIZRM","qi":"sCg9bwJc0xyEPmDtycoGDe9vKKfUBEzdxsivNRY5ufBLHzNz1S-2K6RGBa\
        2pEJVjMhEiLlUlZ8qs1YoEqWH-xOi3m09mbzTi0as-VEIsbDljJVdkVD0oEAm8qULaIybFljjZmLQ2EwdvLp2Oi42JwTQkXTCQor\
        GgN6Dbu4QPJfE"}
        """

    /// The same key as PKCS#8.
    static let rsaPEM = """
        -----BEGIN PRIVATE KEY-----
        MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQCNsYxwk81XlpnP
        HesPuJ1FclbjHNJqHAwI+rJRAGYyvjJAI53dUmYyAanuNMe82LXvjrMOnAL1AS/5
        EDxZSpT2TfVO3z+oh0Kg3wLyogJbnuFBksqx55Iyss5YVCX9f7GANqbndDH8Ssf8
        s6e6PlDPCXWz6rfw57YX6WfjUw+ymVbLOAu5tcjjJXc4m3n60cQWfKXJSZcPLHsS
        cReFjLlTsVJl6nVCMhLeRdKRBadwM/jRhkxJ+1mA3lH9HshDiz5jvJZ835L5SqO6
        FeRFqhAfPv3uVKpn8CEuxpL7DWISxs+c3zDpbJEY69m7V0okl7CdSMMX/ayEjXxz
        4ZjJ6z51AgMBAAECggEABYDLz44t/3ozPGlmY79BJx1Vuo8NV7RXKKdz8tQXzrNh
        sulZ4ZVTBXDYb2P6uJ7svK0czzMdT56y2kgtz9n8XG89WR7ak2pixWoOl0CA5EYQ
        wZc4lXLvqVXAezW+yVBYTdPRj6kM9/DU65T0ArZril73r1EtFlzUJFbwWKff3Ykq
        8LRLrVR4uIGrE6fifHMH5cePMUvfB0AD1HHkAZM/ojO42WEkXlsNb+IPs+zirMYF
        LlBf/RF+Pumhm2wPvrf8hutuzOp3CYydpPgoS94VdwKgu5y9Qg5QxvVMfOu3oT36
        LMd3SJNZsTDDf3edQNFqhSWogqk4qlZNxo95dXZm0QKBgQDBctcrLU6mbHKxOWSE
        w4V5IkXDOLMPKci18b+0EtF5rcpGnGBXwCeqOQqUBwoM8NuYG6zlqVZiPUGPoTyi
        LlKiiVgHnq48BJuc8f7JZYSvbQTHmPTK4f7foua+xknPn37ZEkyhRi1aaXJOZbRK
        BCtfmrjm6TQarW8etDCr2tFbOwKBgQC7gpAtOaWwHFd9/DwbRGvn58wtLF/I474c
        6wNpzf7ZLsBAgzQ/nsvwMfRYn4OW2AzzP/OWW0yHHUWKd3l/yRQTLfExGIilAGKr
        bt2VCiYMXs6N8dttY8oU5YN9FcQNl90CMvkkfH6vDedN5ItTfo/rgWd2gGpKiusg
        x5yKRmpSDwKBgQC8UkgVyG2gpkKhNPYeKRlu62ZuvmvSfyLdvRKbAxbaFc2tH97K
        jk4O8KjTomauYmvkkEyo50kpKekBIj4cxGu9v2brRBbqZrH2/77B4QpinQbiKI1m
        VMwCeluXrQF+Fg8u0xm2htLwCWc12tzAkX6H+9+1K6GFtwFOKqyXINZesQKBgCYJ
        65OxISKj7T/anprte3J1PJ9hZCENynB1YKDjMDMA3/F2bHAHl9mnWKlt2rUMKTxj
        mdfDt7elQYlAiX5Z3V+yrz5Fetr2RA4BFKR6hZN23DJBgUEkwEcS9GS4uKgFScl7
        a71yIAUFLgpINdd/UlT1UHbiwC1VFzP0KpaGiGUTAoGBALAoPW8CXNMchD5g7cnK
        Bg3vbyin1ARM3cbIrzUWObnwSx8zc9UvtiukRgWtqRCVYzIRIi5VJWfKrNWKBKlh
        /sTot5tPZm804tGrPlRCLGw5YyVXZFQ9KBAJvKlC2iMmxZY42Zi0NhMHby6djouN
        icE0JF0wkKKxoDeg27uEDyXx
        -----END PRIVATE KEY-----
        """

    /// Its public half.
    static let rsaPublicPEM = """
        -----BEGIN PUBLIC KEY-----
        MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAjbGMcJPNV5aZzx3rD7id
        RXJW4xzSahwMCPqyUQBmMr4yQCOd3VJmMgGp7jTHvNi1746zDpwC9QEv+RA8WUqU
        9k31Tt8/qIdCoN8C8qICW57hQZLKseeSMrLOWFQl/X+xgDam53Qx/ErH/LOnuj5Q
        zwl1s+q38Oe2F+ln41MPsplWyzgLubXI4yV3OJt5+tHEFnylyUmXDyx7EnEXhYy5
        U7FSZep1QjIS3kXSkQWncDP40YZMSftZgN5R/R7IQ4s+Y7yWfN+S+UqjuhXkRaoQ
        Hz797lSqZ/AhLsaS+w1iEsbPnN8w6WyRGOvZu1dKJJewnUjDF/2shI18c+GYyes+
        dQIDAQAB
        -----END PUBLIC KEY-----
        """

    /// RSA, 1024 bits, public.
    static let weakRSAJWK = """
        {"kty":"RSA","n":"oNiHp7Slb2JB8d9a69YSog6zZhcbDdEedznGVWOlfzhfFzqqzID0cLaiu397iENbi29um9L7xG8Uw-CTN9\
        ZshTvKNjORYHlc8-tgQJmSEPRdxPpmKtdgOWhjb83AP52vNmV2GqQFtqpzYFJeCs-6ZKfp1lWQBV7GYWMn5ZAKvS8","e":"AQAB\
        "}
        """

    /// RFC 7515 A.3.
    static let p256JWK = """
        {"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue6\
        59LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}
        """

    /// The same key as PKCS#8.
    static let p256PEM = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff
        H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp
        7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt
        -----END PRIVATE KEY-----
        """

    /// P-384.
    static let p384JWK = """
        {"kty":"EC","crv":"P-384","x":"8zX234QEvp8GjRfGHIR-QEKHfYTP4wFsy1wPbf0o4W1d3-Sz27zqfw1828i7S0f1","y"\
        :"w2C6UUoGfRrbN4GjCsIqcjeKLzIpGmOrM6FX0HjXdr7Xl5rOENVfK_K3VlKndCWc","d":"Dg8m6xA417bdlWf_iKEOjT2LYup\
        qKWb9wnsxtRWz4lVkLN7Zu-WX1XeFDIskLEya"}
        """

    /// The same key as PKCS#8.
    static let p384PEM = """
        -----BEGIN PRIVATE KEY-----
        MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDAODybrEDjXtt2VZ/+I
        oQ6NPYti6mopZv3CezG1FbPiVWQs3tm75ZfVd4UMiyQsTJqhZANiAATzNfbfhAS+
        nwaNF8YchH5AQod9hM/jAWzLXA9t/SjhbV3f5LPbvOp/DXzbyLtLR/XDYLpRSgZ9
        Gts3gaMKwipyN4ovMikaY6szoVfQeNd2vteXms4Q1V8r8rdWUqd0JZw=
        -----END PRIVATE KEY-----
        """

    /// P-521.
    static let p521JWK = """
        {"kty":"EC","crv":"P-521","x":"ASvAHf8D803cUpRvGyz5XJmt2bqlU0hPiXE-CT5aLQeXla3-VC1FZYdC9QKydRKpoO6Yj\
        i7R_5op3latJ7b1uIdS","y":"AKDVGVU2EWsCTaqUyY-I8EQr2bYylWuItW_dWZECO8p-IdiWXvKLLIfFjT71wkVsgxZ0is-vR5\
        JeOjujxcXPbbcB","d":"AMqZwDVFapVez2yqdY4e1dUtZDnnllkwUzZJ-1We98TdbRIzPKPtdoOiTJayBRfGxuBqaOJ159Ez3fa\
        O4JGFnuMv"}
        """

    /// The same key as PKCS#8.
    static let p521PEM = """
        -----BEGIN PRIVATE KEY-----
        MIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIAypnANUVqlV7PbKp1
        jh7V1S1kOeeWWTBTNkn7VZ73xN1tEjM8o+12g6JMlrIFF8bG4Gpo4nXn0TPd9o7g
        kYWe4y+hgYkDgYYABAErwB3/A/NN3FKUbxss+VyZrdm6pVNIT4lxPgk+Wi0Hl5Wt
        /lQtRWWHQvUCsnUSqaDumI4u0f+aKd5WrSe29biHUgCg1RlVNhFrAk2qlMmPiPBE
        K9m2MpVriLVv3VmRAjvKfiHYll7yiyyHxY0+9cJFbIMWdIrPr0eSXjo7o8XFz223
        AQ==
        -----END PRIVATE KEY-----
        """

    /// RFC 8037 A.1.
    static let ed25519JWK = """
        {"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0\
        kuwsxERJxWl7MmkZcDusAxyuf2A"}
        """

    /// The same key as PKCS#8.
    static let ed25519PEM = """
        -----BEGIN PRIVATE KEY-----
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
        -----END PRIVATE KEY-----
        """
}
