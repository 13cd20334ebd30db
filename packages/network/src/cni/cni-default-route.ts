import { type Conflist, isObject } from "./conflist.ts";

/** Plug-ins for addresses that give no other routes than those that their configuration has. */
const TELLS_ROUTES: ReadonlySet<unknown> = new Set(["host-local", "static"]);
const DEFAULTS: ReadonlySet<unknown> = new Set(["0.0.0.0/0", "::/0"]);

/** Whether what a list makes may have a default route, as far as its configuration tells: it may be asked for by DHCP. */
export function mayLeadOut({ plugins }: Conflist): boolean {
  return plugins.some(({ config }) => {
    const { isDefaultGateway, ipam } = config;
    if (isDefaultGateway === true) return true;
    if (!isObject(ipam) || Object.keys(ipam).length === 0) return false;
    if (!TELLS_ROUTES.has(ipam.type)) return true;
    const routes = Array.isArray(ipam.routes) ? ipam.routes : [];
    return routes.some((route: unknown) => isObject(route) && DEFAULTS.has(route.dst));
  });
}
