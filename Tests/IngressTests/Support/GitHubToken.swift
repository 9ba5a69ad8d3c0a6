/// A token as GitHub Actions issues them (https://docs.github.com/actions/reference/security/oidc), with all claims of a job that
/// runs in an environment and calls a reusable workflow, and the set that such an issuer publishes. Made with OpenSSL and a key that
/// nobody has any more.
enum GitHubToken {
    static let issuer = "https://token.actions.githubusercontent.com"

    /// When it was issued, in Unix seconds. It lives five minutes, as GitHub's do.
    static let issuedAt: Int64 = 1_750_000_000

    static let keys = """
        {"keys":[{"kty":"RSA","alg":"RS256","use":"sig","kid":"38826b17-6a30-5f9b-b169-8beb8202f723","n":"wZ6acDcj54mN\
        lzXMYngIE4x2fmK5lz6IvFaqVGJDWgzwbWHXTS7IPp5uMmFD12r3myw49GZ35P9bqh7ppJ0OhjrQfTx2CUNADGnmhe2qrkbqFJnZabXNZrPCkx\
        althTdbuMewpHGDLJO0vNqtArUYaL4O0G6dEayxY9gjaMf_AkTs5NnFxU3df9h2i1YJ7n2HmDfpWMiHDdEd0oYoCX6Ayigegm2OYVkWVFFjtbU\
        JHnv5dYq5jaIWDR1RwQm2POLG4YEIvxcCnrt7ypdI1qdMjOw7_ljh3fWfpvkOhr3vqh3kdMZczu0C7ImSzbxid57L2nCUUHvyvEP1au3rIMo_Q\
        ","e":"AQAB","x5t":"KvzWqZXTWddQae8-PL9ySIH04-c"}]}
        """

    static let text = """
        eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsIng1dCI6Ikt2eldxWlhUV2RkUWFlOC1QTDl5U0lIMDQtYyIsImtpZCI6IjM4ODI2YjE3LTZhMz\
        AtNWY5Yi1iMTY5LThiZWI4MjAyZjcyMyJ9.eyJqdGkiOiI0ZDJmMGQyYy02YzFiLTRhYzctOWEzMy02MmYwZTRiN2E5YTQiLCJzdWIiOiJyZXB\
        vOm9jdG8tb3JnL29jdG8tcmVwbzplbnZpcm9ubWVudDpwcm9kdWN0aW9uIiwiYXVkIjoic2FsbHlwb3J0IiwicmVmIjoicmVmcy9oZWFkcy9tY\
        WluIiwic2hhIjoiNjExMzcyOGYyN2FlODJjN2IxYTE3N2M4ZDAzZjllOTZlMGFkZjI0NiIsInJlcG9zaXRvcnkiOiJvY3RvLW9yZy9vY3RvLXJ\
        lcG8iLCJyZXBvc2l0b3J5X293bmVyIjoib2N0by1vcmciLCJyZXBvc2l0b3J5X293bmVyX2lkIjoiNjUiLCJydW5faWQiOiIxNTcwMDAwMDAwM\
        SIsInJ1bl9udW1iZXIiOiI0MiIsInJ1bl9hdHRlbXB0IjoiMSIsInJlcG9zaXRvcnlfdmlzaWJpbGl0eSI6InByaXZhdGUiLCJyZXBvc2l0b3J\
        5X2lkIjoiNzQiLCJhY3Rvcl9pZCI6IjEyIiwiYWN0b3IiOiJvY3RvY2F0Iiwid29ya2Zsb3ciOiJEZXBsb3kiLCJoZWFkX3JlZiI6IiIsImJhc\
        2VfcmVmIjoiIiwiZXZlbnRfbmFtZSI6InB1c2giLCJyZWZfcHJvdGVjdGVkIjoidHJ1ZSIsInJlZl90eXBlIjoiYnJhbmNoIiwid29ya2Zsb3d\
        fcmVmIjoib2N0by1vcmcvb2N0by1yZXBvLy5naXRodWIvd29ya2Zsb3dzL2RlcGxveS55bWxAcmVmcy9oZWFkcy9tYWluIiwid29ya2Zsb3dfc\
        2hhIjoiNjExMzcyOGYyN2FlODJjN2IxYTE3N2M4ZDAzZjllOTZlMGFkZjI0NiIsImpvYl93b3JrZmxvd19yZWYiOiJvY3RvLW9yZy9vY3RvLWF\
        1dG9tYXRpb24vLmdpdGh1Yi93b3JrZmxvd3MvcmVsZWFzZS55bWxAcmVmcy90YWdzL3YzIiwiam9iX3dvcmtmbG93X3NoYSI6IjFmYTNkMGM2Y\
        TFiNWUwZjdhOWEzZDljNWYxZDBhZDdiMGE4ZjJlMTEiLCJydW5uZXJfZW52aXJvbm1lbnQiOiJnaXRodWItaG9zdGVkIiwiZW52aXJvbm1lbnQ\
        iOiJwcm9kdWN0aW9uIiwiZW52aXJvbm1lbnRfbm9kZV9pZCI6IkVOX2t3RE9BQkNERUY0QSIsImVudGVycHJpc2UiOiJhdm9jYWRvLWNvcnAiL\
        CJlbnRlcnByaXNlX2lkIjoiMiIsImlzcyI6Imh0dHBzOi8vdG9rZW4uYWN0aW9ucy5naXRodWJ1c2VyY29udGVudC5jb20iLCJuYmYiOjE3NDk\
        5OTk0MDAsImV4cCI6MTc1MDAwMDMwMCwiaWF0IjoxNzUwMDAwMDAwfQ.CVr81wmLE9tXtFa4yywe9d7wuCESBhtOn78eeMvrZtu9NT46ctVS88\
        LbMnew8z86oKIUfaDH1H40pmuSaPcPEuj08eILtzqrOV7qoMS76ioyYbnAJMZVxIOrwBnxUfqilG9ff9C_qntT89d6iLfxpXKTixdAPoMdvRcB\
        6oOHKv4ffG1N9vOXMZDaPT-c7ziiOpEi7YSdv-WULayr6ILSS2Hn7c9pM66Tw9NA1uQZ2pd9ANF6JiRTW93mjrStdAZu16wWrwMd3jFxtrccfq\
        aK8rxZ6RuEEq3-1UHB3wNAYpBuwKorU8bbXKwg__y1BgwgvU2E2_tnOYR6k4ycfcrq0g
        """
}
