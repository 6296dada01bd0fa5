/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run in a guest: does KVM work there?  Opens /dev/kvm, makes a VM with one processor, lets it run one instruction
 * (hlt) and says how far it came.  Needs no library: a guest here has none to spare.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define PAGE	4096
#define ADDRESS 0x1000

static long call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

static void say(const char *text)
{
	long n = 0;

	while (text[n])
		n++;
	(void)call(SYS_write, 1, (long)text, n, 0, 0, 0);
}

static void fail(const char *text)
{
	say("kvm-try: no: ");
	say(text);
	say("\n");
	(void)call(SYS_exit_group, 1, 0, 0, 0, 0, 0);
}

static long control(long fd, unsigned long request, long argument, const char *what)
{
	long r = call(SYS_ioctl, fd, (long)request, argument, 0, 0, 0);

	if (r < 0)
		fail(what);
	return r;
}

static uint8_t *map(long size, long fd)
{
	long flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
	long p = call(SYS_mmap, 0, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p < 0 && p > -PAGE)
		fail("no memory");
	return (uint8_t *)p;
}

static void run(void)
{
	long kvm = call(SYS_open, (long)"/dev/kvm", O_RDWR, 0, 0, 0, 0);
	struct kvm_userspace_memory_region region = { .guest_phys_addr = ADDRESS, .memory_size = PAGE };
	struct kvm_regs regs = { .rip = ADDRESS, .rflags = 2 };
	struct kvm_sregs sregs;
	struct kvm_run *state;
	uint8_t *code;
	long vm;
	long cpu;

	if (kvm < 0)
		fail("/dev/kvm cannot be opened");
	vm = control(kvm, KVM_CREATE_VM, 0, "no VM can be created");
	say("kvm-try: a VM was created\n");
	code = map(PAGE, -1);
	code[0] = 0xf4; /* hlt */
	region.userspace_addr = (uint64_t)code;
	(void)control(vm, KVM_SET_USER_MEMORY_REGION, (long)&region, "it takes no memory");
	cpu = control(vm, KVM_CREATE_VCPU, 0, "it gets no processor");
	state = (struct kvm_run *)map(control(kvm, KVM_GET_VCPU_MMAP_SIZE, 0, "no size"), cpu);
	(void)control(cpu, KVM_GET_SREGS, (long)&sregs, "its registers cannot be read");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	(void)control(cpu, KVM_SET_SREGS, (long)&sregs, "its segments cannot be set");
	(void)control(cpu, KVM_SET_REGS, (long)&regs, "its registers cannot be set");
	(void)control(cpu, KVM_RUN, 0, "it does not run");
	if (state->exit_reason != KVM_EXIT_HLT) {
		char why[] = "it ran, but not to its hlt: exit reason 00";

		why[sizeof(why) - 3] = (char)('0' + state->exit_reason / 10 % 10);
		why[sizeof(why) - 2] = (char)('0' + state->exit_reason % 10);
		fail(why);
	}
	say("kvm-try: it ran to its hlt\n");
	(void)call(SYS_exit_group, 0, 0, 0, 0, 0, 0);
}

__attribute__((noreturn, force_align_arg_pointer)) void _start(void);

void _start(void)
{
	run();
	__builtin_unreachable();
}
