/** A system call that stands for several, told apart by its first argument. */
export interface MultiplexedCall {
  readonly call: "socketcall" | "ipc";
  readonly number: number;
}

/** SYS_* of include/uapi/linux/net.h. */
const socketCalls = {
  socket: 1,
  bind: 2,
  connect: 3,
  listen: 4,
  accept: 5,
  getsockname: 6,
  getpeername: 7,
  socketpair: 8,
  send: 9,
  recv: 10,
  sendto: 11,
  recvfrom: 12,
  shutdown: 13,
  setsockopt: 14,
  getsockopt: 15,
  sendmsg: 16,
  recvmsg: 17,
  accept4: 18,
  recvmmsg: 19,
  sendmmsg: 20,
};

/** Upper case in include/uapi/linux/ipc.h. */
const ipcCalls = {
  semop: 1,
  semget: 2,
  semctl: 3,
  semtimedop: 4,
  msgsnd: 11,
  msgrcv: 12,
  msgget: 13,
  msgctl: 14,
  shmat: 21,
  shmdt: 22,
  shmget: 23,
  shmctl: 24,
};

const calls = new Map<string, MultiplexedCall>([
  ...Object.entries(socketCalls).map(([name, number]) => [name, { call: "socketcall", number }] as const),
  ...Object.entries(ipcCalls).map(([name, number]) => [name, { call: "ipc", number }] as const),
]);

/** How a call is made through socketcall(2) or ipc(2), where an architecture has those. */
export function multiplexedCall(name: string): MultiplexedCall | undefined {
  return calls.get(name);
}
