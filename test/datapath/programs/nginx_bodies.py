# SPDX-License-Identifier: Apache-2.0
"""nginx in front of nginx: it sizes its reads by FIONREAD, and the two talk over non-blocking sockets."""
import http.client, os, socket, subprocess, tempfile, time
import nb

CONFIG = """
user root; worker_processes 1; pid {dir}/pid; error_log {dir}/error.log; daemon off;
events {{ worker_connections 512; }}
http {{
  access_log off; client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; client_max_body_size 200m;
  fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s; keepalive_timeout 5;
  upstream inner {{ server 127.0.0.1:{inner}; {keepalive} }}
  server {{ listen 127.0.0.1:{outer}; location / {{
    proxy_pass http://inner; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_read_timeout 5s; proxy_send_timeout 5s; client_body_timeout 5s; }} }}
  server {{ listen 127.0.0.1:{inner}; root {dir}/www;
    location /put/ {{ dav_methods PUT; create_full_put_path on; client_body_temp_path {dir}/www/tmp; }} }}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def ask(port, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=8)
    connection.request(method, path, body)
    answer = connection.getresponse()
    return answer.status, answer.read()


def bodies(dir, port):
    good = total = 0
    for size in (1, 100, 1000, 10_000, 65_535, 65_536, 65_537, 300_000, 1_000_000, 5_000_000):
        data = nb.RANDOM.randbytes(size)
        with open(f"{dir}/www/f{size}", "wb") as file:
            file.write(data)
        for turn in range(3):
            status, got = ask(port, "GET", f"/f{size}")
            nb.check(status == 200, f"GET of {size}: {status}")
            nb.same(got, data, f"GET of {size}")
            status, _ = ask(port, "PUT", f"/put/p{size}-{turn}", data)
            nb.check(status in (201, 204), f"PUT of {size}: {status}")
            with open(f"{dir}/www/put/p{size}-{turn}", "rb") as file:
                nb.same(file.read(), data, f"PUT of {size}")
            good, total = good + 2, total + 2 * size
    return good, total


with tempfile.TemporaryDirectory() as dir:
    for name in ("www", "www/put", "www/tmp"):
        os.mkdir(f"{dir}/{name}")
    outer, inner = free_port(), free_port()
    with open(f"{dir}/nginx.conf", "w") as file:
        file.write(CONFIG.format(dir=dir, outer=outer, inner=inner,
                                 keepalive="keepalive 4;" if nb.option("keepalive", True) else ""))
    server = subprocess.Popen(["nginx", "-p", dir, "-e", f"{dir}/error.log", "-c", f"{dir}/nginx.conf"])
    try:
        for _ in range(200):
            if socket.socket().connect_ex(("127.0.0.1", outer)) == 0:
                break
            time.sleep(0.02)
        good, total = bodies(dir, outer)
    finally:
        server.terminate()
        server.wait()
nb.report(good=good, bytes=total)
