{
  "targets": [
    {
      "target_name": "sidestep",
      "sources": [
        "src/addon.cc", "src/datapath.cc", "src/datapath_js.cc", "src/error.cc", "src/events.cc",
        "src/layout_check.cc", "src/listeners.cc", "src/lock.cc", "src/mesh.cc", "src/mesh_js.cc", "src/namespaces.cc", "src/objects.cc", "src/owners.cc", "src/probe.cc", "src/passes.cc", "src/tables.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")", "../bpf/include"],
      "defines": ["NAPI_VERSION=9", "NODE_ADDON_API_DISABLE_DEPRECATED"],
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
