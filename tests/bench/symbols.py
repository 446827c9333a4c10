# SPDX-License-Identifier: GPL-2.0-or-later
"""Whose instruction is it: from an address in the guest's kernel to a part of it."""
import bisect
import collections
import re

# What is in no module of its own is told by its name. Idling is set aside.
_RING = re.compile(r'(__)?(virtqueue|vring|vp_|virtio_|detach_buf|more_used|virtio_pci)')
# Small functions that one driver calls and another has inline, or does without.
_HELPER = re.compile(r'(sg_init_|(__)?memset|(__)?memcpy|__rcu_read_|virtio_check_|blk_mq_unique_tag)')
_BLOCK = re.compile(r'(__)?(blk|bio|bdev|blkdev|sbitmap|elv|dd_|submit_bio|disk_|iov_iter_extract|'
                    r'kblockd|deadline_|rq_qos|wbt_|part_|req_bio|bvec)')
_IDLE = re.compile(r'(do_idle|cpuidle|default_idle|arch_cpu_idle|cpu_idle|menu_|teo_|haltpoll|ladder_|'
                   r'tick_nohz|ct_idle|ct_kernel|pv_native_safe_halt|native_safe_halt|acpi_idle|'
                   r'poll_idle|call_cpuidle|can_stop_idle|quiet_vmstat|need_update|rcu_needs_cpu|'
                   r'get_cpu_idle|nohz_|hrtimer_next_event|__get_next_timer|get_next_timer|tick_sched|'
                   # the clock's tick, which comes by the second and not by the I/O
                   r'hrtimer_interrupt|__hrtimer_run_queues|update_process_times|timekeeping_|update_wall_time|'
                   r'sched_tick|task_tick|rcu_sched_clock_irq|update_vsyscall|account_process_tick|'
                   r'sysvec_apic_timer|__sysvec_apic_timer|asm_sysvec_apic_timer|run_timer_|run_local_timers|'
                   r'leave_mm|sched_idle|cpu_startup|flush_smp_call)')
_SCHED = re.compile(r'(__)?(schedule|sched_|ttwu_|try_to_wake_up|wake_up_|pick_|put_prev_|set_next_|enqueue_|dequeue_|'
                    r'update_(curr|load|rq|se|cfs|min|entity|deadline)|select_task|context_switch|finish_task_switch|'
                    r'switch_|resched_|place_entity|avg_vruntime|vruntime|check_preempt|wakeup_preempt|'
                    r'prepare_task_switch|reweight|native_load_tls|fair_|psi_|raw_spin_rq|dl_server|perf_event_task)')
_RING_MODULES = ('virtio', 'virtio_ring', 'virtio_pci', 'virtio_pci_modern_dev', 'virtio_pci_legacy_dev')

PARTS = ('driver', 'helpers', 'ring', 'scsi', 'sd', 'block', 'sched', 'rest')


class Symbols:
    """Functions of the kernel image, from /proc/kallsyms; modules, from /proc/modules."""

    def __init__(self, kallsyms):
        self._functions = []
        self._module_functions = collections.defaultdict(list)
        self._modules = []
        for address, name, _ in self._parse(kallsyms):
            self._functions.append((address, name))
        self._functions.sort()
        self._starts = [address for address, _ in self._functions]

    @staticmethod
    def _parse(kallsyms):
        for line in kallsyms.splitlines():
            address, kind, name, *module = line.split()
            if kind in 'tTwW' and not name.startswith('__pfx_'):
                yield int(address, 16), name, ''.join(module).strip('[]')

    def set_modules(self, modules, kallsyms):
        """Lines of /proc/modules (name size users by state address); of /proc/kallsyms, the modules'."""
        self._module_functions.clear()
        for address, name, module in self._parse(kallsyms):
            self._module_functions[module].append((address, name))
        for functions in self._module_functions.values():
            functions.sort()
        self._modules = []
        for line in modules.splitlines():
            words = line.split()
            start = int(words[5], 16)
            self._modules.append((start, start + int(words[1]), words[0]))
        self._parts, self._names = {}, {}

    def module(self, name):
        """Start and end of a module."""
        return next((start, end) for start, end, module in self._modules if module == name)

    def addresses(self, name):
        return [address for address, function in self._functions if function == name]

    def function(self, address):
        """(name, module) of what the address is in."""
        for start, end, module in self._modules:
            if start <= address < end:
                inside = self._module_functions[module]
                at = bisect.bisect_right(inside, (address, '~')) - 1
                return (inside[at][1] if at >= 0 else '?'), module
        at = bisect.bisect_right(self._starts, address) - 1
        return (self._functions[at][1] if at >= 0 else '?'), ''

    def growth(self, before, after, drivers):
        """Instructions by part, from two counts of them by address."""
        growth = collections.Counter()
        for address, insns in after.items():
            if grown := insns - before[address]:
                growth[self.part(address, drivers)] += grown
        return growth

    def functions(self, before, after):
        """Instructions by function, likewise."""
        growth = collections.Counter()
        for address, insns in after.items():
            if grown := insns - before[address]:
                growth[self._name(address)] += grown
        return growth

    def _name(self, address):
        if address not in self._names:
            name, module = self.function(address)
            self._names[address] = f'{module}:{name}' if module else name
        return self._names[address]

    def part(self, address, drivers):
        if address not in self._parts:
            self._parts[address] = self._part(*self.function(address), drivers)
        return self._parts[address]

    @staticmethod
    def _part(name, module, drivers):
        if module in drivers:
            return 'driver'
        if _HELPER.match(name):
            return 'helpers'
        if module in _RING_MODULES:
            return 'ring'
        if module:
            return {'scsi_mod': 'scsi', 'scsi_common': 'scsi', 'sd_mod': 'sd'}.get(module, 'rest')
        for part, names in (('idle', _IDLE), ('ring', _RING), ('block', _BLOCK), ('sched', _SCHED)):
            if names.match(name):
                return part
        return 'rest'
