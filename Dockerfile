# Images of the two gates. Targets:
#   ingress    meets the network: no SSH client, no database, no command line tools of ours
#   executor   holds the keys: executor, SSH workers, and `sallyport` for the operator
#   all        everything, for a first run and for the command line
#   executor-postgresql, pgbouncer
#              for several pods with one journal (deploy/kubernetes-shared): an executor with libpq, and what carries it to PostgreSQL
#
#   docker build --target ingress  -t sallyport-ingress:0.1.0  .
#   docker build --target executor -t sallyport-executor:0.1.0 .
#
# For an image that others can build again: name the base images by digest, have a Package.resolved, give SOURCE_DATE_EPOCH, and let
# the builder set all times to it (`--output type=image,rewrite-timestamp=true`, or `podman build --timestamp`). What is then left is
# the compiler's: Swift 6.3 does not put every instruction into the same order twice.
ARG SWIFT_IMAGE=docker.io/library/swift:6.3-bookworm
ARG RUNTIME_IMAGE=docker.io/library/debian:12-slim

FROM ${SWIFT_IMAGE} AS build
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        libssl-dev libssh2-1-dev libseccomp-dev libsqlite3-dev libyaml-dev zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
ARG SOURCE_DATE_EPOCH=0
ENV SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH}
# With Package.resolved there, exactly its versions are taken.
RUN set -eu; \
    pinned=""; [ ! -f Package.resolved ] || pinned=--only-use-versions-from-resolved-file; \
    bin=$(SALLYPORT_SCRATCH=.build scripts/build -debug-info-format none $pinned \
        -Xswiftc -file-compilation-dir -Xswiftc /src -Xlinker -s); \
    mkdir -p /out/bin /out/doc; \
    for name in sallyport-ingress sallyport-executor sallyport-ssh-worker sallyport; do \
        install -m 0755 "$bin/$name" /out/bin/; \
    done; \
    # What the licences of the packages inside ask for.
    install -m 0644 LICENSE /out/doc/; \
    for package in .build/checkouts/*/; do \
        for file in "$package"LICENSE* "$package"NOTICE*; do \
            [ ! -f "$file" ] || install -D -m 0644 "$file" "/out/doc/$(basename "$package")/$(basename "$file")"; \
        done; \
    done; \
    find /out -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

# What all three have: users, folders, the libraries that both gates are linked with, no way for a crash to start another program,
# nothing that is set-uid.
#
# The executor is in the ingress's group, never the other way round: that lets it through to the job socket.
FROM ${RUNTIME_IMAGE} AS base
RUN set -eu; \
    apt-get update -qq; \
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libssl3 libseccomp2 libyaml-0-2 libstdc++6; \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache /var/log/*; \
    echo 'sallyport-ingress:x:65532:sallyport-executor' >> /etc/group; \
    echo 'sallyport-executor:x:65533:' >> /etc/group; \
    echo 'sallyport-ingress:x:65532:65532::/nonexistent:/usr/sbin/nologin' >> /etc/passwd; \
    echo 'sallyport-executor:x:65533:65533::/nonexistent:/usr/sbin/nologin' >> /etc/passwd; \
    mkdir -p /etc/sallyport; \
    install -d -m 2750 -o 65532 -g 65532 /run/sallyport; \
    find / -xdev -type f -perm /6000 -exec chmod a-s {} +
COPY --from=build /out/doc /usr/share/doc/sallyport
ENV SWIFT_BACKTRACE=enable=no
STOPSIGNAL SIGTERM
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE=""
# Podman looks for arguments in its cache only where a RUN has them: without this the labels may be those of an earlier build.
RUN : "$VERSION" "$REVISION" "$SOURCE"
LABEL org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.source="${SOURCE}"

FROM base AS ingress
COPY --from=build /out/bin/sallyport-ingress /usr/local/bin/
# Ends the build when a library is missing.
RUN ["sallyport-ingress", "--version"]
# For a spool: a volume that is mounted here takes its owner from it.
RUN install -d -m 0700 -o 65532 -g 65532 /var/lib/sallyport
LABEL org.opencontainers.image.title="sallyport-ingress" \
    org.opencontainers.image.description="Receives webhooks, verifies them, and hands jobs to the executor. Holds no SSH key."
USER 65532:65532
EXPOSE 8080 9080
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 \
    CMD ["sallyport-ingress", "probe", "--config", "/etc/sallyport/ingress.yaml"]
ENTRYPOINT ["sallyport-ingress"]
CMD ["serve", "--config", "/etc/sallyport/ingress.yaml"]

FROM base AS executor-base
RUN set -eu; \
    apt-get update -qq; \
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libssh2-1 libsqlite3-0 zlib1g; \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache /var/log/*; \
    install -d -m 0700 -o 65533 -g 65533 /run/sallyport-admin /var/lib/sallyport
COPY --from=build /out/bin/sallyport-executor /out/bin/sallyport-ssh-worker /out/bin/sallyport /usr/local/bin/
RUN ["sallyport-executor", "--version"]
RUN ["sallyport-ssh-worker", "--version"]
RUN ["sallyport", "--version"]

FROM executor-base AS all
COPY --from=build /out/bin/sallyport-ingress /usr/local/bin/
RUN ["sallyport-ingress", "--version"]
LABEL org.opencontainers.image.title="sallyport" \
    org.opencontainers.image.description="Everything of Sallyport, for a first run and for the command line."
USER 65533
ENTRYPOINT ["sallyport"]
CMD ["--help"]

FROM executor-base AS executor
LABEL org.opencontainers.image.title="sallyport-executor" \
    org.opencontainers.image.description="Checks jobs against the policy and runs them over SSH. Holds the keys, listens at no port."
# Without a group, so that the image's own groups count too: see base.
USER 65533
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 \
    CMD ["sallyport", "jobs", "list", "--limit", "1", "--json", "--socket", "/run/sallyport-admin/admin.sock"]
ENTRYPOINT ["sallyport-executor"]
CMD ["serve", "--config", "/etc/sallyport/executor.yaml"]

# The executor once more, with PostgreSQL. It is compiled where that target is asked for, and nowhere else: the others have no libpq.
FROM build AS build-postgresql
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libpq-dev \
    && rm -rf /var/lib/apt/lists/*
RUN set -eu; \
    pinned=""; [ ! -f Package.resolved ] || pinned=--only-use-versions-from-resolved-file; \
    bin=$(SALLYPORT_SCRATCH=.build scripts/build --product sallyport-executor --traits PostgreSQL -debug-info-format none $pinned \
        -Xswiftc -file-compilation-dir -Xswiftc /src -Xlinker -s); \
    install -D -m 0755 "$bin/sallyport-executor" /out/postgresql/sallyport-executor; \
    find /out/postgresql -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

# Its command line and health check are the executor's.
FROM executor AS executor-postgresql
USER 0
RUN set -eu; \
    apt-get update -qq; \
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libpq5; \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache /var/log/*; \
    find / -xdev -type f -perm /6000 -exec chmod a-s {} +
COPY --from=build-postgresql /out/postgresql/sallyport-executor /usr/local/bin/
RUN ["sallyport-executor", "--version"]
LABEL org.opencontainers.image.title="sallyport-executor-postgresql" \
    org.opencontainers.image.description="The executor with a journal in PostgreSQL, which executors share. Linked with libpq."
USER 65533

# Between a Unix socket, which is all that an executor can reach, and a PostgreSQL elsewhere. Nothing of ours is in it but the question of
# its health check: whether it speaks TLS at that socket (it does not), which it answers before it asks who is there.
#
# It lets in who the kernel says is `sallyport`: the executor.
FROM ${RUNTIME_IMAGE} AS pgbouncer
RUN set -eu; \
    apt-get update -qq; \
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends pgbouncer; \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache /var/log/* \
        /etc/pgbouncer /etc/ssl/private; \
    echo 'sallyport-pgbouncer:x:65530:' >> /etc/group; \
    echo 'sallyport:x:65533:' >> /etc/group; \
    echo 'sallyport-pgbouncer:x:65530:65530::/nonexistent:/usr/sbin/nologin' >> /etc/passwd; \
    echo 'sallyport:x:65533:65533::/nonexistent:/usr/sbin/nologin' >> /etc/passwd; \
    mkdir -p /etc/sallyport; \
    install -d -m 2750 -o 65530 -g 65533 /run/postgresql; \
    printf '%s\n' '#!/usr/bin/perl' 'use strict;' 'use IO::Socket::UNIX;' 'alarm 3;' \
        'my $socket = IO::Socket::UNIX->new(Peer => "/run/postgresql/.s.PGSQL.5432") or die "no connection: $!\n";' \
        'syswrite $socket, pack("NN", 8, 80877103);' \
        'my $answer = "";' \
        'sysread $socket, $answer, 1;' \
        '$answer eq "N" or die "no answer\n";' >/usr/local/bin/pgbouncer-answers; \
    chmod 0755 /usr/local/bin/pgbouncer-answers; \
    perl -c /usr/local/bin/pgbouncer-answers; \
    find / -xdev -type f -perm /6000 -exec chmod a-s {} +
RUN ["pgbouncer", "--version"]
STOPSIGNAL SIGTERM
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE=""
RUN : "$VERSION" "$REVISION" "$SOURCE"
LABEL org.opencontainers.image.title="sallyport-pgbouncer" \
    org.opencontainers.image.description="PgBouncer at a Unix socket, for an executor whose journal is in PostgreSQL." \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.source="${SOURCE}"
USER 65530:65530
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s --retries=3 CMD ["pgbouncer-answers"]
ENTRYPOINT ["pgbouncer"]
CMD ["/etc/sallyport/pgbouncer.ini"]

# Last, so that a build without --target is this one.
FROM executor
