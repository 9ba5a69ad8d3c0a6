/// Tokens signed by another implementation (PyJWT 2.6.0) with the keys of ``TestKeys``. Their claims are
/// `{"iss":"joe","exp":2000000000,"sub":"deployer"}`.
enum ForeignTokens {
    /// By the algorithm's name.
    static let all: [String: String] = [
        "HS256": """
        eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJqb2UiLCJleHAiOjIwMDAwMDAwMDAsInN1YiI6ImRlcGxveWVyIn0\
        .ryDbaA-RgtfTuLcCR5vqXTbrQPwZGx1XglO2c_NlQ_c
        """,
        "HS384": """
        eyJhbGciOiJIUzM4NCIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJqb2UiLCJleHAiOjIwMDAwMDAwMDAsInN1YiI6ImRlcGxveWVyIn0\
        .NgNL7gmuCvFSzGdHtjqWWcEds5QqMQXoMSreTJS0o35-Ec27m9XZM4ce5ZX9oVOR
        """,
        "HS512": """
        eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJqb2UiLCJleHAiOjIwMDAwMDAwMDAsInN1YiI6ImRlcGxveWVyIn0\
        .xSFiv6Rhxu_eBsOs9mvgUGRgFXY527XGxEN23h0DYpYZyN3H2IemxXUnm9cmm54ZA3KQwOEfXQV5XkUfFC0i6w
        """,
        "RS256": """
        eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJqb2UiLCJleHAiOjIwMDAwMDAwMDAsInN1YiI6ImRlcGxveWVyIn0\
        .CrWoBzEPCRhF23bukn3TePlNFNLw2ezMxUFYP__DEZgtbW5wal-NXCcvI_qD6r07NQICz8HC9dAD0oG0TQtzqMIHDcsQ7BIv4lO\
        vJfFbfC-MiXRHI9jBAV2wZoVMwlrzKTADiWX07L5GBezsc_81WemkQUAA6Sr_u5ITp_MDfsBP6vdESsOuvZatZBiotHYDHFRusjn\
        3UTjgNVfHFa8hFF-pO2KWRwSAsPIhqXDKGgZ_Sr042HDX3SHbLWajsn4W8OMcBd9ErIZQQAMmr4XEQkkbIjSllL_btA19qpL20GM\
        WJBeYTxrrC8QtA3R7BU-8kz9BJnY7ICAnEpwpZllVFg
        """,
        "RS384": """
        eyJhbGciOiJSUzM4NCIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJqb2UiLCJleHAiOjIwMDAwMDAwMDAsInN1YiI6ImRlcGxveWVyIn0\
        .PC9OefJvhjz9lLDr0ylu1TqkgS1oy1M7FIl_-Vywi5WT6-mApXKdgTtkZ8a0nqR3Yg7cOhDF6IEh53Gx5pJTHQDIARfKhJLZvxK\
        tTpuwUAB4_R9--lHVDIZaCEJMGo_Z5H-wROuC8IKCzvCpan1mhgnzLvDzDBYXeQ7jdDr1XAe1IKY6ysocmm_H9OcQmygDogQEup5\
        058LeAyXviIRqGKATKENwfOqe0oxsrvZjfuDRrbbe9Knq8V39pOYpJ48bmjPGnJI47BJ2D35tUkU7omHhKNgo6nXDDC0ggScVzgf\
        j3rNZUKHkm5WO3OVIw3PSymjFUnlu09KxQsZjAbBQKg
        """,
        "RS512": """
        eyJhbGciOiJSUzUxMiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJqb2UiLCJleHAiOjIwMDAwMDAwMDAsInN1YiI6ImRlcGxveWVyIn0\
        .Qh_olXSE9RmBov_t0Yyd1fkFbXqWGRsE29Qwuq42qiqXvWoSVU5E4-SazWFiQ8yd_dfFGki2RAdZn2H4bz02K6C8pCSRosXhF78\
        H3_oKMJ6somP0r1rE8BVpAUV0pcnh_9wh4uZUz7GezaNIHW5EOpOWAC6llmq11A-E28eami6Zr7I-EJJ6DVwP9biXJCILD7dn77H\
        QetuidbyoNqevVNeElNti_fuZxJKIqQ4jDLDbKIG0P_orDBAF7PxYPzhQJlThEWX_VmFnH2kUpqsTCbOkt8vKImLZTg4hCbfulKs\
        rYbAollBOjZOBMEQFpNYsnmxMulMQqRZPjyRAHwrt9g
        """,
        "PS256": """
        eyJhbGciOiJQUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJqb2UiLCJleHAiOjIwMDAwMDAwMDAsInN1YiI6ImRlcGxveWVyIn0\
        .LFge50ZVN30DvwGAX3AgMOFDJilLe2g3MHlmO5FfRg5mpy1GQaK998iSj5CXciw_Cunasdfk5LxjWWO--OXgnFcm1f21oGsSLv9\
        BuA461xEshRdymBVf1R3GN_3Q86aqbqJ1iB26W4muzIZ9lf2Q0PQazhG1G1h_EZ-L6N9_jPMsfMo8xpLeTQ7ELB5rvBDvCVdg4Vu\
        CFEEtHwCcOYo4pXR6vB80_ieW9Khd0lP1PLc4NhWj3byayus-JBS_t2ithCOWJal-zuLHGlGa4yAVaCNy9E78OLl-q80Lm14ZUlu\
        EGbjklRY5JY3j3nt_3wfPMeEYjpZpih-Z30_6fDnuhQ
        """,
        "PS384": """
        eyJhbGciOiJQUzM4NCIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJqb2UiLCJleHAiOjIwMDAwMDAwMDAsInN1YiI6ImRlcGxveWVyIn0\
        .Sl1hSCmj0Fm4iupT3PJhSHzZ13lqincbfFYJ2Y6nnbSRsxGDEoQ6XWJaTr4kWpctvZi73iqg84lFMbToTwLJsjgT3G-0T7sDsI3\
        DLksqT83NCzzMK9eoFzAf8njrkAy7DjeSZPxdtmwYBKrc1YW7McZDiQXdE2yVvs7aypExz04w-1EWGsvwdXQw89ujY1TDO7nu-kt\
        hzmeyLyLpoyWMUm4i4dRvKYAPM0q48x7AlU8U7_X16vurahUbBU7fHNzRS0b58zrcpsrlwI35F6wizq6rfRSemYSGl0R_3dqiZH2\
        aLX-zUTxFNGvvlMXJZdMhH4qyUYyWP6HnavdPKnHHUw
        """,
        "PS512": """
        eyJhbGciOiJQUzUxMiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJqb2UiLCJleHAiOjIwMDAwMDAwMDAsInN1YiI6ImRlcGxveWVyIn0\
        .LN-IQqYKW9F--hEUIl2gSsV381Vuc26a2fHiwPG5YAV8B52acVWVBnUsl9EMgTM1o_XdPWFGzxu1XaNErkTeE0WBsVfPN-SEbya\
        dwn0c6N3z4_tFxDWedMDttrlC0IwkCpsyhHXWejiTL1I2XrUyNaUN9xE9ukAeQ2ZALKSJHAqcSuhDhWl-Kg99QVywiy0OzFqnbjA\
        3oWqBLe99wDAlQLuHmBbRJPW4b9A0wQfZh0NsJUUCgtnECNFVmo4F21H13tUeOKLGUCWpbmowXakOCFKNYzXsKZzR7x9p-R3urAv\
        RM0q9LsAzxvvyppbHwXBkKmtFnGXD0M5RKULtNTE5Tg
        """,
        "ES256": """
        eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJqb2UiLCJleHAiOjIwMDAwMDAwMDAsInN1YiI6ImRlcGxveWVyIn0\
        .PWdjlLHaCKz018XWfTFeAJ3WKBp9tdmI3lHJRNvMDJUdIFXC7zhHbmI5JtTWNJ9gHcwxRwreZU-sWHQuMltTBg
        """,
        "ES384": """
        eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJqb2UiLCJleHAiOjIwMDAwMDAwMDAsInN1YiI6ImRlcGxveWVyIn0\
        .IH93eqr4B8K30q_zucxGvFRt89Lx8ERWcvzt5d1zUUkvoU-DNRF4Ikoy3Z2uVM8wxxdFCz8NJPTRoOweMW3GqO6t6RVGCSThb2w\
        WnYSguWzmaAnOIG5FfLdmO7_fwrcW
        """,
        "ES512": """
        eyJhbGciOiJFUzUxMiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJqb2UiLCJleHAiOjIwMDAwMDAwMDAsInN1YiI6ImRlcGxveWVyIn0\
        .ACjQbNHNJl-cXwX2bF1zWTloScd6aA60JhflFYnIIvM019VBkjkQIA9NdGA_HE7ev0Ta7lEUi9z5AUYGlQHP83odAYuL2FzHTsD\
        GAlPeQ6H4HDi7QOcu_fHQ0OGyt3cgVODEvdbcCp5VFBhQUg9NfAH-eYrfF7MezAKmQhZYhAyZBZ8U
        """,
        "EdDSA": """
        eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJqb2UiLCJleHAiOjIwMDAwMDAwMDAsInN1YiI6ImRlcGxveWVyIn0\
        .OmL7V-w8pxxF5BL7iu0oqSu1q5Oory1rDNgOJ48xc1YDBXO2bmz90hK3qEGEVRI9PdTbcVoWJhQsm1bvwR3vDw
        """,
    ]
}
