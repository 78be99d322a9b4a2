/** The files of the page, read once. Nothing else of the disk can be asked for. */
import { readFileSync } from 'node:fs';

export interface File {
  readonly type: string;
  readonly body: Buffer;
}

const page = new URL('../../../agent/web/page/', import.meta.url);
const types = { html: 'text/html; charset=utf-8', css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8', svg: 'image/svg+xml' } as const;
const names = ['index.html', 'style.css', 'main.js', 'map.js', 'layout.js', 'tables.js', 'text.js', 'icon.svg'] as const;

export function readPage(): ReadonlyMap<string, File> {
  const files = names.map((name): [string, File] => {
    const type = types[name.slice(name.lastIndexOf('.') + 1) as keyof typeof types];
    return [`/${name}`, { type, body: readFileSync(new URL(name, page)) }];
  });
  const pages = new Map(files);
  const index = pages.get('/index.html');
  return index ? pages.set('/', index) : pages;
}
