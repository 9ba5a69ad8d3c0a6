extension JobStories {
    /// What was found out of the jobs of all logs.
    public struct Outcome: Sendable {
        /// Something between the logs, or within one, that does not go together.
        public struct Gap: Sendable, Equatable {
            /// Of what kind.
            public enum Kind: String, Sendable, CaseIterable {
                /// Two logs accepted it, or one did twice.
                case acceptedTwice = "accepted-twice"
                /// It has two results.
                case endedTwice = "ended-twice"
                /// It ran or ended, and no log accepted it.
                case neverAccepted = "never-accepted"
                /// It ran or ended where it was neither accepted nor taken over.
                case notTakenOver = "not-taken-over"
                /// It was taken over from an executor whose log was not given.
                case missingLog = "missing-log"
                /// It was taken over from an executor whose log does not have it, and may lack its end.
                case logEndsEarly = "log-ends-early"
                /// It was taken over from an executor that never had it.
                case neverHad = "never-had"
                /// Two executors took it over from the same start of a third.
                case takenOverTwice = "taken-over-twice"
                /// Who it was taken over from had ended it.
                case takenOverAfterItsEnd = "taken-over-after-its-end"
                /// Who it was taken over from goes on with it.
                case goesOnAfterTakeover = "goes-on-after-takeover"
                /// Something begins after its result.
                case goesOnAfterItsEnd = "goes-on-after-its-end"
                /// It has no end, whose it was is gone, and nobody took it over.
                case leftBehind = "left-behind"
            }

            /// Of what kind.
            public let kind: Kind
            /// The job.
            public let job: String
            /// What is known of it, in words without a full stop.
            public let text: String
        }

        /// Jobs of one executor.
        public struct Share: Sendable, Equatable {
            /// The executor's log.
            public let origin: String
            /// How many.
            public var jobs: Int
            /// One of them.
            public let example: String
        }

        /// Jobs that the logs accepted.
        public let jobs: Int
        /// Records of jobs being taken over.
        public let takeovers: Int
        /// The first ``JobStories/maximumGaps`` gaps.
        public let gaps: [Gap]
        /// All of them.
        public let gapCount: Int
        /// Jobs without an end that may well be running or waiting, by who has them.
        public let open: [Share]
        /// Jobs that an executor went on with which did not write down takeovers yet, by the executor.
        public let untold: [Share]
        /// Jobs that were taken over from an executor whose name was not known any more.
        public let unnamed: [Share]
        /// Jobs whose beginning stands in files that are not here, by where they go on.
        public let before: [Share]
    }
}
