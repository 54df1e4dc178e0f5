/** How many times longer than usual a test waits for what must come: slow builds say so. */
export const patience = Number(process.env.NETCOMPUTE_PATIENCE ?? 1);
