2
denylist
reject_force_umount
[all]
# Denied to everything in a VI, also to its setup commands: what would change the
# machine's kernel, mounts and clock, and calls with a history of holes that no
# network service needs.  liblxc's format, see lxc.container.conf(5).
acct errno 1
add_key errno 1
adjtimex errno 1
bpf errno 1
clock_adjtime errno 1
clock_settime errno 1
delete_module errno 1
finit_module errno 1
fsconfig errno 1
fsmount errno 1
fsopen errno 1
fspick errno 1
init_module errno 1
io_uring_enter errno 38
io_uring_register errno 38
io_uring_setup errno 38
ioperm errno 1
iopl errno 1
kcmp errno 1
kexec_file_load errno 1
kexec_load errno 1
keyctl errno 38
lookup_dcookie errno 1
mount errno 1
mount_setattr errno 1
move_mount errno 1
move_pages errno 1
name_to_handle_at errno 1
nfsservctl errno 1
open_by_handle_at errno 1
open_tree errno 1
perf_event_open errno 1
pivot_root errno 1
process_vm_readv errno 1
process_vm_writev errno 1
ptrace errno 1
quotactl errno 1
reboot errno 1
request_key errno 38
setdomainname errno 1
sethostname errno 1
setns errno 1
settimeofday errno 1
swapoff errno 1
swapon errno 1
syslog errno 1
umount2 errno 1
unshare errno 1
userfaultfd errno 1
vhangup errno 1
