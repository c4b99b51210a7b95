/* Made by build/world.mjs. */
declare module "virtual:world" {
  /* cc: ISO 3166-1 alpha-2, "" for land that has none. Either a path or a dot. */
  export interface WorldShape {
    readonly cc: string;
    readonly path?: string;
    readonly x?: number;
    readonly y?: number;
  }
  export const width: number;
  export const height: number;
  export const shapes: readonly WorldShape[];
}
