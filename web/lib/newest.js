// @ts-check
// Numbers the calls of one place. Only the newest is current, so a slow older answer is never shown over it.

export function newestOnly() {
  let newest = 0;
  return function begin() {
    newest += 1;
    const mine = newest;
    return () => mine === newest;
  };
}
