{
  "targets": [
    {
      "target_name": "sidestep",
      "sources": [
        "src/addon.cc", "src/busiest.cc", "src/datapath.cc", "src/datapath_js.cc", "src/direct.cc", "src/direct_js.cc", "src/drain.cc", "src/error.cc", "src/events.cc", "src/found.cc", "src/frontdoor/frontdoor.cc", "src/frontdoor/http1.cc", "src/frontdoor/proxy_protocol.cc", "src/frontdoor/relay.cc", "src/frontdoor/requests.cc", "src/frontdoor/worker.cc", "src/frontdoor_js.cc", "src/groups.cc",
        "src/layout_check.cc", "src/listeners.cc", "src/listening.cc", "src/llhttp/api.c", "src/llhttp/http.c", "src/llhttp/llhttp.c", "src/lock.cc", "src/mesh.cc", "src/mesh_address.cc", "src/mesh_check.cc", "src/mesh_js.cc", "src/namespaces.cc", "src/notify.cc", "src/objects.cc", "src/owners.cc", "src/passes.cc", "src/pins.cc", "src/privileges.cc",
        "src/probe/attach.cc", "src/probe/attach_tracing.cc", "src/probe/features.cc", "src/probe/load.cc", "src/probe/programs.cc",
        "src/probe/scratch.cc", "src/probe/step.cc", "src/probe_js.cc", "src/resets.cc", "src/reuseport.cc", "src/reuseport_check.cc",
        "src/reuseport_events.cc", "src/reuseport_js.cc", "src/reuseport_probe.cc", "src/reuseport_walk.cc", "src/scope.cc", "src/sock_diag.cc",
        "src/tables.cc", "src/tuning.cc", "src/tuning_js.cc", "src/workloads.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")", "../bpf/include", "/usr/share/llhttp", "/usr/share/include/llhttp"],
      "defines": ["NAPI_VERSION=9", "NODE_ADDON_API_DISABLE_DEPRECATED"],
      # Node.js has an llhttp of its own and offers its names: ours must not be bound to them.
      "cflags_c": ["-fvisibility=hidden", "-Wno-unused-parameter"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17"],
      "cflags_cc": ["-fexceptions", "-std=c++20", "-Wall", "-Wextra", "-Wno-unused-parameter", "<!@(pkg-config --cflags libbpf)"],
      "libraries": ["<!@(pkg-config --libs libbpf)"]
    },
    {
      "target_name": "sidestep-selftest",
      "type": "executable",
      "sources": ["selftest/selftest.c"],
      "cflags": ["-std=gnu11", "-O2", "-Wall", "-Wextra"]
    }
  ]
}
