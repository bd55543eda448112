"""Paths through dense regions: merge trees, natural neighbors, local cores and the paths between them."""

import numpy as np

from gamac_meta._kernels.compiler import kernel

BUCKETS = 1024
# in mean lengths of an arc: wider ones are fewer, but more nodes are met again in them
BUCKET_WIDTH = 0.25
# in all buckets' lists, at first: doubled where they do not do
PLACES = 64


@kernel
def _root(parents, node):
    while parents[node] != node:
        parents[node] = parents[parents[node]]
        node = parents[node]
    return node


@kernel
def merge_tree(edges):
    """(n - 1, 2) the two nodes that each edge (n - 1, 2) of a spanning tree joins, edges shortest first.

    Nodes 0 to n - 1 are the points, node n + t what edge t makes.
    """
    merges = edges.shape[0]
    n = merges + 1
    parents = np.empty(n, dtype=np.int64)
    made = np.empty(n, dtype=np.int64)  # node that the points below a root form by now
    for i in range(n):
        parents[i] = i
        made[i] = i
    children = np.empty((merges, 2), dtype=np.int64)
    for t in range(merges):
        a = _root(parents, edges[t, 0])
        b = _root(parents, edges[t, 1])
        children[t, 0] = made[a]
        children[t, 1] = made[b]
        parents[a] = b
        made[b] = n + t
    return children


@kernel
def merge_distances(children, heights, labels, sizes):
    """Mean distances to clusters, two points being as far apart as the height (n - 1,) of the merge that joins them.

    labels (n,) with -1 outside, sizes (k,). Returns (n,) mean to the other points of the own cluster,
    NaN for a single point, and (n,) smallest mean to another cluster. One pass up and down the tree
    for each cluster: O(n k) time, O(n) memory.
    """
    n = labels.size
    own_mean = np.empty(n)
    other_mean = np.empty(n)
    for i in range(n):
        own_mean[i] = np.nan
        other_mean[i] = np.inf
    inside = np.empty(2 * n - 1)  # points of the cluster below a node
    total = np.empty(2 * n - 1)  # summed distances from a point below a node to the cluster's points elsewhere
    for c in range(sizes.size):
        for i in range(n):
            inside[i] = 1.0 if labels[i] == c else 0.0
        for t in range(n - 1):
            inside[n + t] = inside[children[t, 0]] + inside[children[t, 1]]
        total[2 * n - 2] = 0.0
        for t in range(n - 2, -1, -1):
            a = children[t, 0]
            b = children[t, 1]
            total[a] = total[n + t] + heights[t] * inside[b]
            total[b] = total[n + t] + heights[t] * inside[a]
        for i in range(n):
            if labels[i] != c:
                other_mean[i] = min(other_mean[i], total[i] / sizes[c])
            elif sizes[c] > 1:
                own_mean[i] = total[i] / (sizes[c] - 1)
    return own_mean, other_mean


@kernel
def natural_size(indices):
    """Size s at which natural neighbors are found, and (n,) how many points have each among their s nearest.

    indices (n, count), nearest first. The size grows until every point is somebody's neighbor, or
    one more neighbor leaves as many points as before without; 0 if that needs more than count.
    """
    n, count = indices.shape
    popularity = np.empty(n, dtype=np.int64)
    for i in range(n):
        popularity[i] = 0
    without = n
    for rank in range(count):
        before = without
        for i in range(n):
            j = indices[i, rank]
            if popularity[j] == 0:
                without -= 1
            popularity[j] += 1
        if without == 0 or (rank > 0 and without == before):
            return rank + 1, popularity
    return 0, popularity


@kernel
def representatives(X, order, members, starts):
    """(n,) the local core that stands for each point.

    order (n,) points by falling density; the neighborhood of point i is itself and
    members[starts[i]:starts[i + 1]]. Each point in turn offers its neighborhood the core of the
    densest point there; who has a core already takes the nearer of the two.
    """
    n, d = X.shape
    rank = np.empty(n, dtype=np.int64)
    core = np.empty(n, dtype=np.int64)
    for turn in range(n):
        rank[order[turn]] = turn
        core[turn] = -1
    for turn in range(n):
        p = order[turn]
        densest = p
        for t in range(starts[p], starts[p + 1]):
            if rank[members[t]] < rank[densest]:
                densest = members[t]
        if core[densest] < 0:
            core[densest] = densest
        offered = core[densest]
        # the point itself first
        for t in range(starts[p] - 1, starts[p + 1]):
            x = members[t] if t >= starts[p] else p
            taken = core[x]
            if taken < 0:
                core[x] = offered
                continue
            here = 0.0
            there = 0.0
            for column in range(d):
                here += (X[x, column] - X[taken, column]) ** 2
                there += (X[x, column] - X[offered, column]) ** 2
            if here > there:
                core[x] = offered
    return core


@kernel
def neighbor_graph(indices, distances):
    """Arcs of the graph in which points are joined if either is among the other's nearest (n, s).

    Returns (starts (n + 1,), ends, lengths): arcs of point i are those from starts[i] to starts[i + 1].
    """
    n, s = indices.shape
    one_way = np.empty((n, s), dtype=np.bool_)
    starts = np.empty(n + 1, dtype=np.int64)
    for i in range(n + 1):
        starts[i] = 0
    for i in range(n):
        for rank in range(s):
            j = indices[i, rank]
            one_way[i, rank] = True
            for other in range(s):
                if indices[j, other] == i:
                    one_way[i, rank] = False
            starts[i + 1] += 1
            starts[j + 1] += one_way[i, rank]
    filled = np.empty(n, dtype=np.int64)
    for i in range(n):
        filled[i] = starts[i]
        starts[i + 1] += starts[i]
    ends = np.empty(starts[n], dtype=np.int32)
    lengths = np.empty(starts[n])
    for i in range(n):
        for rank in range(s):
            j = indices[i, rank]
            ends[filled[i]] = j
            lengths[filled[i]] = distances[i, rank]
            filled[i] += 1
            if one_way[i, rank]:
                ends[filled[j]] = i
                lengths[filled[j]] = distances[i, rank]
                filled[j] += 1
    return starts, ends, lengths


@kernel
def _search(source, starts, ends, lengths, width, later, wanted, reach, dealt, first, node_at, after):
    """reach (n,): length of the shortest path from source, for good of the `wanted` points that are later (n,).

    Distances are corrected bucket by bucket (Meyer & Sanders 2003, doi:10.1016/S0196-6774(03)00076-2). A node
    stays in the buckets that it has left behind, and is passed over there: that costs less than taking it out.
    Buckets are lists, from first (BUCKETS,) on, of places in node_at and after; dealt (n,) is the reach that a
    node had when last left. Returns whether there were places enough; if not, a search needs more from its start.
    """
    for bucket in range(first.size):
        first[bucket] = -1
    for i in range(reach.size):
        reach[i] = np.inf
        dealt[i] = np.inf
    reach[source] = 0.0
    node_at[0] = source
    after[0] = -1
    first[0] = 0
    used = 1
    free = -1
    turn = 0
    waiting = 1
    while waiting > 0 and wanted > 0:
        here = turn % BUCKETS
        while first[here] >= 0:
            place = first[here]
            node = node_at[place]
            first[here] = after[place]
            due = int(reach[node] / width)
            if due > turn:
                # had come beyond the ring of buckets
                bucket = min(due, turn + BUCKETS - 1) % BUCKETS
                after[place] = first[bucket]
                first[bucket] = place
                continue
            after[place] = free
            free = place
            waiting -= 1
            if dealt[node] <= reach[node]:
                continue
            if later[node] and dealt[node] == np.inf:
                wanted -= 1
            dealt[node] = reach[node]
            for arc in range(starts[node], starts[node + 1]):
                target = ends[arc]
                length = reach[node] + lengths[arc]
                if length < reach[target]:
                    reach[target] = length
                    bucket = min(int(length / width), turn + BUCKETS - 1) % BUCKETS
                    place = free
                    if place >= 0:
                        free = after[place]
                    elif used == node_at.size:
                        return False
                    else:
                        place = used
                        used += 1
                    node_at[place] = target
                    after[place] = first[bucket]
                    first[bucket] = place
                    waiting += 1
        turn += 1
    return True


@kernel
def path_lengths(starts, ends, lengths, sources):
    """(m, m) length of the shortest path between sources (m,), infinite where there is none: from each source in
    turn to all later ones."""
    n = starts.size - 1
    m = sources.size
    total = 0.0
    for arc in range(lengths.size):
        total += lengths[arc]
    width = BUCKET_WIDTH * total / lengths.size if total > 0.0 else 1.0
    paths = np.empty((m, m))
    later = np.empty(n, dtype=np.bool_)
    for i in range(n):
        later[i] = False
    for s in range(m):
        paths[s, s] = 0.0
        later[sources[s]] = True
    reach = np.empty(n)
    dealt = np.empty(n)
    first = np.empty(BUCKETS, dtype=np.int32)
    node_at = np.empty(PLACES, dtype=np.int32)
    after = np.empty(PLACES, dtype=np.int32)
    for s in range(m - 1):
        later[sources[s]] = False
        while not _search(
            sources[s], starts, ends, lengths, width, later, m - 1 - s, reach, dealt, first, node_at, after
        ):
            node_at = np.empty(2 * node_at.size, dtype=np.int32)
            after = np.empty(2 * after.size, dtype=np.int32)
        for t in range(s + 1, m):
            paths[s, t] = reach[sources[t]]
            paths[t, s] = reach[sources[t]]
    return paths
