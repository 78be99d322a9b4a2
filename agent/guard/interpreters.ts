/**
 * Programs whose build says nothing of what they run: interpreters, virtual machines, many programs in one file, and
 * the loader when it is called by itself. The list is not complete and cannot be; what it lacks is taken for a program
 * of its own, and the guard watches that as it watches every other.
 */
const names =
  'python|pypy|node|nodejs|deno|bun|qjs|java|perl|ruby|jruby|truffleruby|php|php-fpm|php-cgi|hhvm|lua|luajit|' +
  'sh|ash|bash|dash|zsh|ksh|mksh|fish|busybox|toybox|coreutils|tclsh|wish|expect|guile|racket|sbcl|beam\\.smp|erl|' +
  'elixir|dotnet|mono|mono-sgen|R|Rscript|julia|runghc|ghci|ocaml|awk|gawk|mawk|uwsgi|wine|wine64|wasmtime|wasmer|' +
  'qemu-[a-z0-9_-]+|ld-(?:linux|musl)[a-z0-9_.-]*|ld';
const pattern = new RegExp(`^(?:${names})[-.\\d]*(?:\\.so[.\\d]*)?$`);

/** By the name of its file. */
export const isInterpreter = (file: string): boolean => pattern.test(file);
