package abi

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// needHeaders returns a C compiler, or ends the test where there is none or
// where Xen's headers are missing. In CI that is a failure: a comparison that
// silently did not happen is worth nothing.
func needHeaders(t *testing.T) string {
	t.Helper()
	missing := t.Skipf
	if os.Getenv("CI") == "true" {
		missing = t.Fatalf
	}
	cc, err := exec.LookPath("gcc")
	if err != nil {
		missing("no C compiler to compile Xen's headers with: %v (install gcc)", err)
	}
	if _, err := os.Stat("/usr/include/xen/xen.h"); err != nil {
		missing("Xen's public headers are not installed: %v (install libxen-dev)", err)
	}
	return cc
}

const probeHead = `
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#define __XEN_INTERFACE_VERSION__ __XEN_LATEST_INTERFACE_VERSION__
#include <xen/xen.h>
#include <xen/errno.h>
#include <xen/callback.h>
#include <xen/elfnote.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/nmi.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/hvm_vcpu.h>
#include <xen/hvm/params.h>
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/io/9pfs.h>
#include <xen/io/blkif.h>
#include <xen/io/console.h>
#include <xen/io/netif.h>
#include <xen/io/protocols.h>
#include <xen/io/ring.h>
#include <xen/io/xenbus.h>
#include <xen/io/xs_wire.h>
int main(void) {
`

// runC compiles and runs body and returns its output, a number per line.
func runC(t *testing.T, cc, body string) []int64 {
	t.Helper()
	dir := t.TempDir()
	src, bin := filepath.Join(dir, "probe.c"), filepath.Join(dir, "probe")
	if err := os.WriteFile(src, []byte(probeHead+body+"return 0;\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(cc, "-o", bin, src).CombinedOutput(); err != nil {
		t.Fatalf("compiling the probe: %v\n%s", err, out)
	}
	out, err := exec.Command(bin).Output()
	if err != nil {
		t.Fatalf("running the probe: %v", err)
	}
	var nums []int64
	for line := range bytes.Lines(out) {
		n, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		nums = append(nums, n)
	}
	return nums
}

// layouts pairs every C type with ours. fields are the C members in the order
// of our named fields.
var layouts = []struct {
	c      string
	val    any
	fields string
}{
	{"struct mmuext_op", MMUExtOp{}, "cmd arg1 arg2"},
	{"struct mmu_update", MMUUpdate{}, "ptr val"},
	{"struct multicall_entry", MulticallEntry{}, "op result args"},
	{"struct vcpu_time_info", VCPUTimeInfo{}, "version tsc_timestamp system_time tsc_to_system_mul tsc_shift flags"},
	{"struct vcpu_info", VCPUInfo{}, "evtchn_upcall_pending evtchn_upcall_mask evtchn_pending_sel arch time"},
	{"struct shared_info", SharedInfo{}, "vcpu_info evtchn_pending evtchn_mask wc_version wc_sec wc_nsec wc_sec_hi arch"},
	{"struct start_info", StartInfo{}, "magic nr_pages shared_info flags store_mfn store_evtchn console.domU.mfn console.domU.evtchn pt_base nr_pt_frames mfn_list mod_start mod_len cmd_line first_p2m_pfn nr_p2m_frames"},
	{"struct trap_info", TrapInfo{}, "vector flags cs address"},
	{"struct cpu_user_regs", CPUUserRegs{}, "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi error_code entry_vector rip cs saved_upcall_mask rflags rsp ss es ds fs gs"},
	{"struct vcpu_guest_context", VCPUGuestContext{}, "fpu_ctxt flags user_regs trap_ctxt ldt_base ldt_ents gdt_frames gdt_ents kernel_ss kernel_sp ctrlreg debugreg event_callback_eip failsafe_callback_eip syscall_callback_eip vm_assist fs_base gs_base_kernel gs_base_user"},
	{"struct iret_context", IretContext{}, "rax r11 rcx flags rip cs rflags rsp ss"},
	{"struct arch_vcpu_info", ArchVCPUInfo{}, "cr2"},
	{"struct arch_shared_info", ArchSharedInfo{}, "max_pfn pfn_to_mfn_frame_list_list nmi_reason p2m_cr3 p2m_vaddr p2m_generation"},
	{"struct evtchn_alloc_unbound", EvtchnAllocUnbound{}, "dom remote_dom port"},
	{"struct evtchn_bind_interdomain", EvtchnBindInterdomain{}, "remote_dom remote_port local_port"},
	{"struct evtchn_bind_virq", EvtchnBindVIRQ{}, "virq vcpu port"},
	{"struct evtchn_bind_ipi", EvtchnBindIPI{}, "vcpu port"},
	{"struct evtchn_close", EvtchnClose{}, "port"},
	{"struct evtchn_send", EvtchnSend{}, "port"},
	{"struct evtchn_unmask", EvtchnUnmask{}, "port"},
	{"struct evtchn_bind_vcpu", EvtchnBindVCPU{}, "port vcpu"},
	{"struct evtchn_reset", EvtchnReset{}, "dom"},
	{"struct evtchn_status", EvtchnStatus{}, "dom port status vcpu u"},
	{"struct evtchn_init_control", EvtchnInitControl{}, "control_gfn offset vcpu link_bits"},
	{"struct evtchn_expand_array", EvtchnExpandArray{}, "array_gfn"},
	{"struct evtchn_set_priority", EvtchnSetPriority{}, "port priority"},
	{"struct evtchn_fifo_control_block", EvtchnFIFOControlBlock{}, "ready head"},
	{"struct sched_shutdown", SchedShutdown{}, "reason"},
	{"struct sched_poll", SchedPoll{}, "ports nr_ports timeout"},
	{"struct sched_watchdog", SchedWatchdog{}, "id timeout"},
	{"struct vcpu_runstate_info", VCPURunstateInfo{}, "state state_entry_time time"},
	{"struct vcpu_register_runstate_memory_area", VCPURegisterArea{}, "addr"},
	{"struct vcpu_register_time_memory_area", VCPURegisterArea{}, "addr"},
	{"struct vcpu_set_periodic_timer", VCPUSetPeriodicTimer{}, "period_ns"},
	{"struct vcpu_set_singleshot_timer", VCPUSetSingleshotTimer{}, "timeout_abs_ns flags"},
	{"struct vcpu_register_vcpu_info", VCPURegisterVCPUInfo{}, "mfn offset"},
	{"struct xen_feature_info", XenFeatureInfo{}, "submap_idx submap"},
	{"struct callback_register", CallbackRegister{}, "type flags address"},
	{"struct xen_hvm_param", XenHVMParam{}, "domid index value"},
	{"struct xen_hvm_evtchn_upcall_vector", XenHVMEvtchnUpcallVector{}, "vcpu vector"},
	{"struct hvm_start_info", HVMStartInfo{}, "magic version flags nr_modules modlist_paddr cmdline_paddr rsdp_paddr memmap_paddr memmap_entries"},
	{"struct hvm_modlist_entry", HVMModlistEntry{}, "paddr size cmdline_paddr"},
	{"struct hvm_memmap_table_entry", HVMMemmapTableEntry{}, "addr size type"},
	{"struct vcpu_hvm_x86_32", VCPUHVMX8632{}, "eax ecx edx ebx esp ebp esi edi eip eflags cr0 cr3 cr4 efer cs_base ds_base ss_base es_base tr_base cs_limit ds_limit ss_limit es_limit tr_limit cs_ar ds_ar ss_ar es_ar tr_ar"},
	{"struct vcpu_hvm_x86_64", VCPUHVMX8664{}, "rax rcx rdx rbx rsp rbp rsi rdi rip rflags cr0 cr3 cr4 efer"},
	{"struct vcpu_hvm_context", VCPUHVMContext{}, "mode cpu_regs.x86_64"},
	{"struct xen_9pfs_data_intf", NinePFSInterface{}, "in_cons in_prod out_cons out_prod ring_order"},
	{"struct xencons_interface", XenconsInterface{}, "in out in_cons in_prod out_cons out_prod"},
	{"struct xsd_sockmsg", XSSockMsg{}, "type req_id tx_id len"},
	{"struct xenstore_domain_interface", XenstoreDomainInterface{}, "req rsp req_cons req_prod rsp_cons rsp_prod server_features connection error"},
	{"struct netif_tx_request", NetifTxRequest{}, "gref offset flags id size"},
	{"struct netif_tx_response", NetifTxResponse{}, "id status"},
	{"struct netif_extra_info", NetifExtraInfo{}, "type flags u"},
	{"struct netif_rx_request", NetifRxRequest{}, "id gref"},
	{"struct netif_rx_response", NetifRxResponse{}, "id offset flags status"},
	{"struct blkif_request_segment", BlkifRequestSegment{}, "gref first_sect last_sect"},
	{"struct blkif_request", BlkifRequest{}, "operation nr_segments handle id sector_number seg"},
	{"struct blkif_request_discard", BlkifRequestDiscard{}, "operation flag handle id sector_number nr_sectors"},
	{"struct blkif_request_indirect", BlkifRequestIndirect{}, "operation indirect_op nr_segments id sector_number handle indirect_grefs"},
	{"struct blkif_response", BlkifResponse{}, "id operation status"},
	{"struct xen_memory_reservation", XenMemoryReservation{}, "extent_start nr_extents extent_order mem_flags domid"},
	{"struct xen_memory_exchange", XenMemoryExchange{}, "in out nr_exchanged"},
	{"struct xen_memory_domain", XenMemoryDomain{}, "domid"},
	{"struct xen_machphys_mapping", XenMachphysMapping{}, "v_start v_end max_mfn"},
	{"struct xen_add_to_physmap", XenAddToPhysmap{}, "domid size space idx gpfn"},
	{"struct xen_remove_from_physmap", XenRemoveFromPhysmap{}, "domid gpfn"},
	{"struct xen_memory_map", XenMemoryMap{}, "nr_entries buffer"},
	{"struct grant_entry_v1", GrantEntryV1{}, "flags domid frame"},
	{"struct gnttab_setup_table", GnttabSetupTable{}, "dom nr_frames status frame_list"},
	{"struct gnttab_query_size", GnttabQuerySize{}, "dom nr_frames max_nr_frames status"},
	{"struct gnttab_set_version", GnttabSetVersion{}, "version"},
	{"struct gnttab_get_version", GnttabGetVersion{}, "dom version"},
	{"struct gnttab_map_grant_ref", GnttabMapGrantRef{}, "host_addr flags ref dom status handle dev_bus_addr"},
	{"struct gnttab_unmap_grant_ref", GnttabUnmapGrantRef{}, "host_addr dev_bus_addr handle status"},
}

func TestLayouts(t *testing.T) {
	cc := needHeaders(t)
	var body strings.Builder
	for _, l := range layouts {
		fmt.Fprintf(&body, "printf(\"%%zu\\n\", sizeof(%s));\n", l.c)
		for f := range strings.FieldsSeq(l.fields) {
			fmt.Fprintf(&body, "printf(\"%%zu\\n%%zu\\n\", offsetof(%s, %s), sizeof(((%s *)0)->%s));\n", l.c, f, l.c, f)
		}
	}
	nums := runC(t, cc, body.String())
	next := func() uintptr { n := nums[0]; nums = nums[1:]; return uintptr(n) }
	for _, l := range layouts {
		typ := reflect.TypeOf(l.val)
		if size := next(); typ.Size() != size {
			t.Errorf("sizeof(%v) = %d, in C %d", typ, typ.Size(), size)
		}
		cfields := strings.Fields(l.fields)
		for f := range fieldsOf(typ) {
			if len(cfields) == 0 {
				t.Fatalf("%v.%s has no counterpart in C", typ, f.Name)
			}
			if off := next(); f.Offset != off {
				t.Errorf("offsetof(%v, %s) = %d, in C %d", typ, f.Name, f.Offset, off)
			}
			if size := next(); f.Type.Size() != size {
				t.Errorf("sizeof(%v.%s) = %d, in C %d", typ, f.Name, f.Type.Size(), size)
			}
			cfields = cfields[1:]
		}
		if len(cfields) != 0 {
			t.Fatalf("%v lacks %v", typ, cfields)
		}
	}
}

// fieldsOf yields the fields of typ that have a name.
func fieldsOf(typ reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range typ.NumField() {
			if f := typ.Field(i); f.Name != "_" && !yield(f) {
				return
			}
		}
	}
}

// Ring slots follow the header; the probe's ring types are netif's.
func TestRingLayout(t *testing.T) {
	cc := needHeaders(t)
	nums := runC(t, cc, `printf("%zu\n%zu\n%zu\n%zu\n%zu\n%zu\n%zu\n",
		offsetof(struct netif_tx_sring, req_prod), offsetof(struct netif_tx_sring, req_event),
		offsetof(struct netif_tx_sring, rsp_prod), offsetof(struct netif_tx_sring, rsp_event),
		offsetof(struct netif_tx_sring, ring), sizeof(union netif_tx_sring_entry), sizeof(union netif_rx_sring_entry));
	`)
	var h RingHeader
	typ := reflect.TypeOf(h)
	want := []int64{}
	for f := range fieldsOf(typ) {
		want = append(want, int64(f.Offset))
	}
	want = append(want, int64(typ.Size()), 12, 8)
	if !reflect.DeepEqual(nums, want) {
		t.Errorf("ring layout %v, in C %v", want, nums)
	}
	if RingHeaderSize != typ.Size() {
		t.Errorf("RingHeaderSize = %d, the header has %d bytes", RingHeaderSize, typ.Size())
	}
}

// A memory map entry is packed in C and not in the public headers' structs.
func TestE820EntrySize(t *testing.T) {
	if size := reflect.TypeOf(E820Entry{}).Size(); size != 20 {
		t.Errorf("sizeof(E820Entry) = %d, want 20", size)
	}
}

func TestConstants(t *testing.T) {
	cc := needHeaders(t)
	var body strings.Builder
	for _, c := range constants {
		fmt.Fprintf(&body, "printf(\"%%lld\\n\", (long long)(%s));\n", c.c)
	}
	nums := runC(t, cc, body.String())
	for i, c := range constants {
		if nums[i] != c.val {
			t.Errorf("%s = %d, in C %d", c.c, c.val, nums[i])
		}
	}
}
