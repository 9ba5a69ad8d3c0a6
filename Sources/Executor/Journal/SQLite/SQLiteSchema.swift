internal import GRDB

/// The tables of the SQLite journal and how they came to be. A step is never changed once released; new ones are added.
enum SQLiteSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1: jobs and their history") { database in
            try database.execute(
                sql: """
                    CREATE TABLE job (
                        -- The order in which jobs came, whatever the clock does.
                        number INTEGER PRIMARY KEY,
                        id TEXT NOT NULL UNIQUE,
                        ingress TEXT NOT NULL,
                        hook TEXT NOT NULL,
                        job TEXT NOT NULL,
                        dedupe_key TEXT NOT NULL,
                        event_id TEXT NOT NULL,
                        sender_attempt INTEGER NOT NULL,
                        status INTEGER NOT NULL,
                        reason INTEGER NOT NULL DEFAULT 0,
                        error TEXT NOT NULL DEFAULT '',
                        attempt INTEGER NOT NULL DEFAULT 1,
                        request BLOB NOT NULL,
                        request_digest BLOB NOT NULL,
                        key_id TEXT NOT NULL,
                        signature BLOB NOT NULL,
                        body BLOB,
                        result BLOB,
                        accepted_at INTEGER NOT NULL,
                        finished_at INTEGER
                    ) STRICT;
                    CREATE INDEX job_by_dedupe_key ON job (dedupe_key, number) WHERE dedupe_key <> '';
                    CREATE INDEX job_by_event ON job (event_id, number) WHERE event_id <> '';
                    CREATE INDEX job_unfinished ON job (number) WHERE finished_at IS NULL;
                    CREATE INDEX job_by_finish ON job (finished_at) WHERE finished_at IS NOT NULL;
                    CREATE TABLE event (
                        number INTEGER PRIMARY KEY,
                        job_id TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
                        at INTEGER NOT NULL,
                        what TEXT NOT NULL,
                        destination TEXT NOT NULL
                    ) STRICT;
                    CREATE INDEX event_by_job ON event (job_id, number);
                    """)
        }
        migrator.registerMigration("2: retries, dead letters and replays") { database in
            try database.execute(
                sql: """
                    -- Unix milliseconds before which the next attempt does not begin; and what the attempts before came to.
                    ALTER TABLE job ADD COLUMN due_at INTEGER;
                    ALTER TABLE job ADD COLUMN progress BLOB;
                    -- Of a replay: the job it repeats, and who asked for it.
                    ALTER TABLE job ADD COLUMN origin TEXT NOT NULL DEFAULT '';
                    ALTER TABLE job ADD COLUMN operator TEXT NOT NULL DEFAULT '';
                    -- 0 none, 1 a dead letter, 2 one that was discarded, 3 one that was replayed.
                    ALTER TABLE job ADD COLUMN letter INTEGER NOT NULL DEFAULT 0;
                    ALTER TABLE job ADD COLUMN correlation_id TEXT NOT NULL DEFAULT '';
                    -- Its hosts, each with a comma before and behind.
                    ALTER TABLE job ADD COLUMN hosts TEXT NOT NULL DEFAULT '';
                    CREATE INDEX job_dead_letter ON job (number) WHERE letter = 1;
                    """)
        }
        migrator.registerMigration("3: audit records on their way to the log") { database in
            try database.execute(
                sql: """
                    CREATE TABLE audit (
                        -- Of the first record in it.
                        first INTEGER PRIMARY KEY,
                        -- Records in all, these too, and the roots of the subtrees over them.
                        size INTEGER NOT NULL,
                        subtrees BLOB NOT NULL,
                        lines BLOB NOT NULL
                    ) STRICT;
                    CREATE TABLE audit_checkpoint (
                        number INTEGER PRIMARY KEY CHECK (number = 1),
                        size INTEGER NOT NULL,
                        root BLOB NOT NULL
                    ) STRICT;
                    """)
        }
        migrator.registerMigration("4: lists that stay fast", foreignKeyChecks: .immediate) { try lists($0) }
        return migrator
    }

    /// For each part of a list's filter an index in the list's order, with the other short parts beside it: a row is read only when it
    /// is shown.
    private static func lists(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE INDEX job_by_acceptance ON job (accepted_at);
                CREATE INDEX job_by_status ON job (status, accepted_at, job, hook);
                CREATE INDEX job_by_name ON job (job, accepted_at, status, hook);
                CREATE INDEX job_by_hook ON job (hook, accepted_at, status, job);
                CREATE INDEX job_by_correlation ON job (correlation_id, accepted_at) WHERE correlation_id <> '';
                DROP INDEX job_dead_letter;
                CREATE INDEX job_dead_letter ON job (accepted_at, job, hook) WHERE letter = 1;
                -- A job's row for each of its hosts; removed with the job, in the same transaction.
                CREATE TABLE job_host (
                    host TEXT NOT NULL,
                    accepted_at INTEGER NOT NULL,
                    number INTEGER NOT NULL,
                    PRIMARY KEY (host, accepted_at, number)
                ) STRICT, WITHOUT ROWID;
                WITH RECURSIVE part (number, accepted_at, host, rest) AS (
                    SELECT number, accepted_at, '', substr(hosts, 2) FROM job WHERE hosts <> ''
                    UNION ALL
                    SELECT number, accepted_at, substr(rest, 1, instr(rest, ',') - 1), substr(rest, instr(rest, ',') + 1)
                    FROM part WHERE rest <> ''
                )
                INSERT OR IGNORE INTO job_host SELECT host, accepted_at, number FROM part WHERE host <> '' ORDER BY 1, 2, 3;
                """)
    }
}
