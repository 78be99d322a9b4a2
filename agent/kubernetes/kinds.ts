/** What is asked of the API server, and by which paths. */
import { readPod, readService, readSlice } from './read.js';
import { isMeshed, type Wanted } from './services.js';
import type { Pod, Service, Slice } from './types.js';
import type { Kind } from './watcher.js';

/** Those that have ended have no processes any more. */
export const podsOf = (node: string): Kind<Pod> => ({
  name: 'pods', path: '/api/v1/pods', query: { fieldSelector: `spec.nodeName=${node},status.phase!=Succeeded,status.phase!=Failed` }, read: readPod,
});

/** Of those that are left alone nothing is kept, but for what is wrong with their annotation. */
export const servicesOf = (wanted: Wanted): Kind<Service> => ({
  name: 'services', path: '/api/v1/services', query: {},
  read: (object) => {
    const service = readService(object);
    return service && (isMeshed(service, wanted) || service.wishes['mesh'] !== undefined) ? service : undefined;
  },
});

export const slices: Kind<Slice> = { name: 'endpointslices', path: '/apis/discovery.k8s.io/v1/endpointslices', query: {}, read: readSlice };
