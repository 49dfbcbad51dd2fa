// scale.go: which ids a GameServerSet keeps, adds and deletes, and the lists of
// ids in their two spellings.  Pure; DESIGN "Facts of OKG" is the contract.
package main

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/sets"
)

type idSet = sets.Set[int]

// idOfName is the number after a pod's last dash; OKG takes 0 for anything else.
func idOfName(name string) int {
	n, _ := strconv.Atoi(name[strings.LastIndexByte(name, '-')+1:])
	return n
}

func parseRange(s string) (from, to int, err error) {
	a, b, found := strings.Cut(s, "-")
	if !found || strings.Contains(b, "-") {
		return 0, 0, fmt.Errorf("%q is no range", s)
	}
	if from, err = strconv.Atoi(strings.TrimSpace(a)); err != nil {
		return 0, 0, err
	}
	if to, err = strconv.Atoi(strings.TrimSpace(b)); err != nil {
		return 0, 0, err
	}
	if from > to {
		return 0, 0, fmt.Errorf("%q runs backwards", s)
	}
	return from, to, nil
}

// expandIds reads spec.reserveGameServerIds.  One bad element empties the whole
// list: that is what 1.0 does.
func expandIds(list []intstr.IntOrString) idSet {
	ids := idSet{}
	for _, e := range list {
		if e.Type == intstr.Int {
			ids.Insert(int(e.IntVal))
			continue
		}
		from, to, err := parseRange(e.StrVal)
		if err != nil {
			return idSet{}
		}
		for i := from; i <= to; i++ {
			ids.Insert(i)
		}
	}
	return ids
}

// parseIds reads the reserve-ids annotation, in which 1.0 skips bad elements.
func parseIds(s string) idSet {
	ids := idSet{}
	for _, e := range strings.Split(s, ",") {
		if from, to, err := parseRange(e); err == nil {
			for i := from; i <= to; i++ {
				ids.Insert(i)
			}
		} else if n, err := strconv.Atoi(strings.TrimSpace(e)); err == nil {
			ids.Insert(n)
		}
	}
	return ids
}

// compressIds is 1.0's spelling: 0, 1, "5-7"; runs of two stay apart; an empty
// list is nil and so absent after a merge patch.
func compressIds(ids idSet) []intstr.IntOrString {
	all := sets.List(ids)
	var out []intstr.IntOrString
	for i := 0; i < len(all); {
		j := i
		for j+1 < len(all) && all[j+1] == all[j]+1 {
			j++
		}
		switch j - i {
		case 0:
			out = append(out, intstr.FromInt32(int32(all[i])))
		case 1:
			out = append(out, intstr.FromInt32(int32(all[i])), intstr.FromInt32(int32(all[j])))
		default:
			out = append(out, intstr.FromString(fmt.Sprintf("%d-%d", all[i], all[j])))
		}
		i = j + 1
	}
	return out
}

func joinIds(list []intstr.IntOrString) string {
	var s []string
	for i := range list {
		s = append(s, list[i].String())
	}
	return strings.Join(s, ",")
}

// plainIds is 0.4's spelling: integers, in the order given.
func plainIds(ids []int) []intstr.IntOrString {
	var out []intstr.IntOrString
	for _, id := range ids {
		out = append(out, intstr.FromInt32(int32(id)))
	}
	return out
}

// opsStateRank: the higher goes first when pods must go.
func opsStateRank(s string) int {
	switch s {
	case "Kill":
		return 100
	case "WaitToBeDeleted":
		return 1
	case "Allocated":
		return -1
	case "Maintaining":
		return -2
	}
	return 0
}

// deletionOrder sorts by opsState, then deletionPriority, then highest id.
func deletionOrder(pods []*v1.Pod) {
	prio := func(p *v1.Pod) int { n, _ := strconv.Atoi(p.Labels[gsDeletePrioKey]); return n }
	sort.SliceStable(pods, func(i, j int) bool {
		a, b := pods[i], pods[j]
		if x, y := opsStateRank(a.Labels[gsOpsStateKey]), opsStateRank(b.Labels[gsOpsStateKey]); x != y {
			return x > y
		}
		if x, y := prio(a), prio(b); x != y {
			return x > y
		}
		return idOfName(a.Name) > idOfName(b.Name)
	})
}

// scale10 is the decision of OKG 1.0: the ids that have pods afterwards, and
// every id that the workload must leave out.
//
//	spec      spec.reserveGameServerIds now
//	noted     the same at the last scale (annotation)
//	implicit  left out by the workload without being in the spec
func scale10(spec, noted, implicit idSet, replicas int, pods []*v1.Pod) (keep, reserve idSet) {
	holes := implicit.Difference(spec.Difference(noted)).Union(noted.Difference(spec))
	keep = idSet{}
	leaving := idSet{} // ids that wait in PreparingDelete
	var kept []*v1.Pod
	for _, p := range pods {
		id := idOfName(p.Name)
		switch {
		case p.DeletionTimestamp != nil:
		case p.Labels[lifecycleKey] == preparingDelete:
			leaving.Insert(id)
		case spec.Has(id):
		default:
			keep.Insert(id)
			kept = append(kept, p)
		}
	}
	for id := 0; len(keep) < replicas; id++ {
		if keep.Has(id) || spec.Has(id) || leaving.Has(id) {
			continue
		}
		keep.Insert(id)
		holes.Delete(id)
	}
	if surplus := len(kept) - replicas; surplus > 0 {
		deletionOrder(kept)
		for _, p := range kept[:surplus] {
			keep.Delete(idOfName(p.Name))
			holes.Insert(idOfName(p.Name))
		}
	}
	return keep, holes.Union(spec)
}

// scale04 is the decision of OKG 0.4, which works on lists: ids that are no
// longer reserved come back first, then holes, then ids above the highest.
func scale04(spec, noted, implicit []int, replicas int, pods []*v1.Pod, backfill bool) (keep, reserve []int) {
	have := make([]int, 0, len(pods))
	for _, p := range pods {
		have = append(have, idOfName(p.Name))
	}
	slices.Sort(have)
	last := -1
	if len(have) > 0 {
		last = have[len(have)-1]
	}
	drop := both(without(spec, noted), have)
	want := replicas - len(have) + len(drop) // how many are missing; negative: too many

	var add []int
	for _, id := range without(noted, spec) {
		if id < last {
			add = append(add, id)
		}
	}
	slices.Sort(add)
	add = add[:max(0, min(len(add), want))]
	want -= len(add)

	if want < 0 {
		sorted := slices.Clone(pods)
		deletionOrder(sorted)
		for _, p := range sorted[:min(-want, len(sorted))] {
			drop = append(drop, idOfName(p.Name))
		}
	} else {
		n := min(want, len(implicit))
		add = append(add, implicit[:n]...)
		for id := last + 1; n < want; id++ {
			if !slices.Contains(spec, id) {
				add = append(add, id)
				n++
			}
		}
	}
	keep = without(append(slices.Clone(have), without(add, have)...), drop)
	slices.Sort(keep)
	if backfill {
		return keep, append(slices.Clone(spec), without(drop, spec)...)
	}
	if len(keep) > 0 {
		for id := 0; id < keep[len(keep)-1]; id++ {
			if !slices.Contains(keep, id) {
				reserve = append(reserve, id)
			}
		}
	}
	return keep, reserve
}

func without(a, b []int) (out []int) {
	for _, n := range a {
		if !slices.Contains(b, n) {
			out = append(out, n)
		}
	}
	return out
}

func both(a, b []int) (out []int) {
	for _, n := range a {
		if slices.Contains(b, n) {
			out = append(out, n)
		}
	}
	return out
}

// wantedOrdinals are kruise's: the first n numbers that are not reserved.
func wantedOrdinals(n int, reserved idSet) []int {
	var out []int
	for id := 0; len(out) < n; id++ {
		if !reserved.Has(id) {
			out = append(out, id)
		}
	}
	return out
}
