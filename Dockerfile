# docker build -t sidestep:0.1.0 .    (scripts/image makes the same tree without a container engine)
# For x86-64 and arm64: docker buildx build --platform linux/amd64,linux/arm64 .
FROM node:22-bookworm AS build
WORKDIR /src
COPY . .
RUN scripts/bootstrap build && scripts/image --rootfs /rootfs

FROM scratch
COPY --from=build /rootfs /
ENV PATH=/usr/bin NODE_ENV=production
ENTRYPOINT ["/usr/bin/node", "/usr/lib/sidestep/bin/sidestep"]
CMD ["agent"]
