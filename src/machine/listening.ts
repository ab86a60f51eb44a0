import net from "node:net";

const LISTEN_WAIT_MS = 1000;

/** Whether a program of this machine listens at a port of it. */
export function isListenedTo(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: LISTEN_WAIT_MS });
    const end = (isThere: boolean) => {
      socket.destroy();
      resolve(isThere);
    };
    socket.on("connect", () => end(true));
    socket.on("error", () => end(false));
    socket.on("timeout", () => end(false));
  });
}
