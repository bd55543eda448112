"""Core points of clusters, the longest gap inside each and the shortest between two.

The points of each cluster lie together, in an order that keeps near points near: runs of LEAF are the
leaves of a tree of boxes, so that the clusters of a new partition need no sorting. Lists of each point's
nearest others among all points decide most cases before a tree is asked.
"""

import numpy as np

from gamac_meta._kernels.compiler import kernel, vectorized

LEAF = 8
STACK = 256  # deeper than twice the levels of any tree


@vectorized
def _square(points, i, j):
    """Squared distance of two points."""
    total = 0.0
    for column in range(points.shape[1]):
        total += (points[i, column] - points[j, column]) ** 2
    return total


@kernel
def boxes(points, starts):
    """Trees of boxes, in heap order: where each cluster's nodes begin (k + 1,), lower and upper corners (nodes, d).

    points (m, d) by cluster, starts (k + 1,).
    """
    d = points.shape[1]
    k = starts.size - 1
    roots = np.empty(k + 1, dtype=np.int64)
    roots[0] = 0
    for c in range(k):
        leaves = 1
        while leaves * LEAF < starts[c + 1] - starts[c]:
            leaves *= 2
        roots[c + 1] = roots[c] + 2 * leaves - 1
    lower = np.empty((roots[k], d))
    upper = np.empty((roots[k], d))
    for v in range(roots[k]):
        for column in range(d):
            lower[v, column] = np.inf
            upper[v, column] = -np.inf
    for c in range(k):
        root = roots[c]
        leaves = (roots[c + 1] - root + 1) // 2
        for i in range(starts[c], starts[c + 1]):
            v = root + leaves - 1 + (i - starts[c]) // LEAF
            for column in range(d):
                lower[v, column] = min(lower[v, column], points[i, column])
                upper[v, column] = max(upper[v, column], points[i, column])
        for v in range(leaves - 2, -1, -1):
            for child in (root + 2 * v + 1, root + 2 * v + 2):
                for column in range(d):
                    lower[root + v, column] = min(lower[root + v, column], lower[child, column])
                    upper[root + v, column] = max(upper[root + v, column], upper[child, column])
    return roots, lower, upper


@kernel
def _gap_to_box(points, i, lower, upper, v):
    """Squared distance of a point to a box, infinite if the box is empty."""
    total = 0.0
    for column in range(points.shape[1]):
        x = points[i, column]
        total += max(lower[v, column] - x, x - upper[v, column], 0.0) ** 2
    return total


@kernel
def _gap_of_boxes(lower, upper, u, v):
    """Squared distance of two boxes, infinite if one is empty."""
    total = 0.0
    for column in range(lower.shape[1]):
        total += max(lower[u, column] - upper[v, column], lower[v, column] - upper[u, column], 0.0) ** 2
    return total


# ---- core points --------------------------------------------------------------------------------


@kernel
def _nearest_members(points, start, stop, root, leaves, lower, upper, i, best, wanted, nodes, gaps):
    """best: the `wanted` smallest squared distances of point i to others from start to stop, ascending."""
    for rank in range(wanted):
        best[rank] = np.inf
    nodes[0] = 0
    gaps[0] = 0.0
    depth = 1
    while depth > 0:
        depth -= 1
        v = nodes[depth]
        if gaps[depth] >= best[wanted - 1]:
            continue
        if v >= leaves - 1:
            head = start + (v - leaves + 1) * LEAF
            for j in range(head, min(head + LEAF, stop)):
                square = _square(points, i, j)
                if j == i or square >= best[wanted - 1]:
                    continue
                place = wanted - 1
                while place > 0 and best[place - 1] > square:
                    best[place] = best[place - 1]
                    place -= 1
                best[place] = square
            continue
        near = 2 * v + 1
        far = 2 * v + 2
        near_gap = _gap_to_box(points, i, lower, upper, root + near)
        far_gap = _gap_to_box(points, i, lower, upper, root + far)
        if far_gap < near_gap:
            near, far = far, near
            near_gap, far_gap = far_gap, near_gap
        nodes[depth] = far
        gaps[depth] = far_gap
        nodes[depth + 1] = near
        gaps[depth + 1] = near_gap
        depth += 2


@kernel
def member_squares(points, ids, starts, place, roots, lower, upper, indices, few, many, out):
    """out (2, m): squared distances of each point to the few-th and the many-th nearest other of its cluster.

    points (m, d) by cluster, starts (k + 1,); ids (m,) which of all points they are, place (n,) where
    those are among them or -1; roots, lower, upper of boxes; indices (n, .) nearest others of all points.
    In a smaller cluster the farthest member takes the place of those that are not there.
    """
    nodes = np.empty(STACK, dtype=np.int64)
    gaps = np.empty(STACK)
    best = np.empty(many)
    for c in range(starts.size - 1):
        start = starts[c]
        stop = starts[c + 1]
        first = min(few, stop - start - 1)
        last = min(many, stop - start - 1)
        leaves = (roots[c + 1] - roots[c] + 1) // 2
        for i in range(start, stop):
            found = 0
            for rank in range(indices.shape[1]):
                j = place[indices[ids[i], rank]]
                if start <= j < stop:
                    found += 1
                    if found == first:
                        out[0, i] = _square(points, i, j)
                    if found == last:
                        out[1, i] = _square(points, i, j)
                        break
            if found < last:
                _nearest_members(points, start, stop, roots[c], leaves, lower, upper, i, best, last, nodes, gaps)
                out[0, i] = best[first - 1]
                out[1, i] = best[last - 1]


# ---- the closest of two sets in many dimensions -------------------------------------------------


@kernel
def _nearest_of(points, i, members, begin, end):
    """Which of members[begin:end] is nearest to point i."""
    nearest = members[begin]
    least = np.inf
    for t in range(begin, end):
        square = _square(points, i, members[t])
        if square < least:
            least = square
            nearest = members[t]
    return nearest


@kernel
def _closest_by_projection(points, members, middle, end, bound, axis, along, near):
    """Smallest squared distance between points members[:middle] and members[middle:end], and the two;
    bound and -1 if none is below that.

    For many dimensions, where boxes overlap: only points near the others along the line between the two
    means can be the closest. axis (d,), along and near (m,) are scratch.
    """
    for column in range(axis.size):
        axis[column] = 0.0
    for t in range(end):
        share = -1.0 / middle if t < middle else 1.0 / (end - middle)
        for column in range(axis.size):
            axis[column] += points[members[t], column] * share
    length = 0.0
    for column in range(axis.size):
        length += axis[column] ** 2
    length = np.sqrt(length) if length > 0.0 else 1.0
    front = -np.inf
    back = np.inf
    foremost = members[0]
    for t in range(end):
        i = members[t]
        along[i] = 0.0
        for column in range(axis.size):
            along[i] += points[i, column] * axis[column] / length
        if t >= middle:
            back = min(back, along[i])
        elif along[i] > front:
            front = along[i]
            foremost = i
    for _ in range(2):
        other = _nearest_of(points, foremost, members, middle, end)
        foremost = _nearest_of(points, other, members, 0, middle)
    here = -1
    there = -1
    square = _square(points, foremost, other)
    if square < bound:
        bound = square
        here = foremost
        there = other
    count = 0
    for t in range(middle, end):
        if max(along[members[t]] - front, 0.0) ** 2 < bound:
            near[count] = members[t]
            count += 1
    for t in range(middle):
        i = members[t]
        if max(back - along[i], 0.0) ** 2 >= bound:
            continue
        for u in range(count):
            j = near[u]
            if max(along[j] - along[i], 0.0) ** 2 < bound:
                square = _square(points, i, j)
                if square < bound:
                    bound = square
                    here = i
                    there = j
    return bound, here, there


# ---- the longest gap inside a cluster -----------------------------------------------------------


@kernel
def _group(parents, i):
    while parents[i] != i:
        parents[i] = parents[parents[i]]
        i = parents[i]
    return i


@kernel
def join_listed(points, cluster, place, edges, parents, longest):
    """Join what edges of the spanning tree of all points join within clusters; longest (k,) squared of those.

    points (m, d); cluster (m,) of each; place (n,) where all points are among them or -1; edges (n - 1, 2).
    parents (m,) comes with every point its own.
    """
    for e in range(edges.shape[0]):
        i = place[edges[e, 0]]
        j = place[edges[e, 1]]
        if i >= 0 and j >= 0 and cluster[i] == cluster[j]:
            parents[_group(parents, i)] = _group(parents, j)
            longest[cluster[i]] = max(longest[cluster[i]], _square(points, i, j))


@kernel
def strangers_listed(points, ids, starts, place, indices, reach, parents, group, nearest, pairs, unsure):
    """The nearest stranger of every group but the largest of its cluster, as far as indices tell.

    The first four and indices as for member_squares; reach (m,) squared distance to the last of indices;
    parents (m,) as joined so far. Written, each (m,): group of each point; nearest squared distance to a
    stranger of the group it names, pairs (m, 2) the two points; unsure, points that list no stranger and
    may have a nearer one. Returns whether any cluster is apart.
    """
    apart = False
    members = np.empty(group.size, dtype=np.int64)
    for c in range(starts.size - 1):
        start = starts[c]
        stop = starts[c + 1]
        for i in range(start, stop):
            members[i] = 0
            nearest[i] = np.inf
            unsure[i] = False
        largest = start
        for i in range(start, stop):
            group[i] = _group(parents, i)
            members[group[i]] += 1
            if members[group[i]] > members[largest]:
                largest = group[i]
        if members[largest] == stop - start:
            continue
        apart = True
        for i in range(start, stop):
            own = group[i]
            if own == largest:
                continue
            stranger = -1
            for rank in range(indices.shape[1]):
                j = place[indices[ids[i], rank]]
                if start <= j < stop and group[j] != own:
                    stranger = j
                    break
            if stranger < 0:
                unsure[i] = reach[i] < nearest[own]
                continue
            square = _square(points, i, stranger)
            if square < nearest[own]:
                nearest[own] = square
                pairs[own, 0] = i
                pairs[own, 1] = stranger
    return apart


@kernel
def _nearest_stranger(points, start, stop, root, leaves, lower, upper, group, held, i, bound, nodes, gaps):
    """Nearest point, from start to stop, of another group than that of i, nearer than bound squared; -1 if none."""
    nearest = -1
    nodes[0] = 0
    gaps[0] = 0.0
    depth = 1
    while depth > 0:
        depth -= 1
        v = nodes[depth]
        if gaps[depth] >= bound or held[v] == group[i]:
            continue
        if v >= leaves - 1:
            head = start + (v - leaves + 1) * LEAF
            for j in range(head, min(head + LEAF, stop)):
                if group[j] != group[i]:
                    square = _square(points, i, j)
                    if square < bound:
                        bound = square
                        nearest = j
            continue
        near = 2 * v + 1
        far = 2 * v + 2
        near_gap = _gap_to_box(points, i, lower, upper, root + near)
        far_gap = _gap_to_box(points, i, lower, upper, root + far)
        if far_gap < near_gap:
            near, far = far, near
            near_gap, far_gap = far_gap, near_gap
        nodes[depth] = far
        gaps[depth] = far_gap
        nodes[depth + 1] = near
        gaps[depth + 1] = near_gap
        depth += 2
    return nearest


@kernel
def strangers_by_boxes(points, starts, roots, lower, upper, reach, group, nearest, pairs, unsure):
    """Nearer strangers for unsure points, by the trees of boxes; arrays as for strangers_listed."""
    held = np.empty(lower.shape[0], dtype=np.int64)  # the one group of a node, -1 if it holds several
    nodes = np.empty(STACK, dtype=np.int64)
    gaps = np.empty(STACK)
    for c in range(starts.size - 1):
        start = starts[c]
        stop = starts[c + 1]
        leaves = (roots[c + 1] - roots[c] + 1) // 2
        ready = False
        for i in range(start, stop):
            own = group[i]
            if not unsure[i] or reach[i] >= nearest[own]:
                continue
            if not ready:
                ready = True
                for v in range(2 * leaves - 2, -1, -1):
                    if v < leaves - 1:
                        # an empty node holds what the one before it does
                        held[v] = held[2 * v + 1] if held[2 * v + 1] == held[2 * v + 2] else -1
                        continue
                    head = start + (v - leaves + 1) * LEAF
                    held[v] = group[min(head, stop - 1)]
                    for j in range(head, min(head + LEAF, stop)):
                        if group[j] != held[v]:
                            held[v] = -1
            stranger = _nearest_stranger(
                points, start, stop, roots[c], leaves, lower, upper, group, held, i, nearest[own], nodes, gaps
            )
            if stranger >= 0:
                nearest[own] = _square(points, i, stranger)
                pairs[own, 0] = i
                pairs[own, 1] = stranger


@kernel
def strangers_by_projection(points, starts, reach, group, nearest, pairs, unsure):
    """The same as strangers_by_boxes in many dimensions."""
    axis = np.empty(points.shape[1])
    along = np.empty(group.size)
    near = np.empty(group.size, dtype=np.int64)
    members = np.empty(group.size, dtype=np.int64)
    for c in range(starts.size - 1):
        for i in range(starts[c], starts[c + 1]):
            own = group[i]
            if not unsure[i] or reach[i] >= nearest[own]:
                continue
            count = 0
            for j in range(starts[c], starts[c + 1]):
                if group[j] == own:
                    members[count] = j
                    count += 1
                    # a group looks once
                    unsure[j] = False
            middle = count
            for j in range(starts[c], starts[c + 1]):
                if group[j] != own:
                    members[count] = j
                    count += 1
            square, here, there = _closest_by_projection(
                points, members, middle, count, nearest[own], axis, along, near
            )
            if here >= 0:
                nearest[own] = square
                pairs[own, 0] = here
                pairs[own, 1] = there


@kernel
def join_strangers(cluster, parents, nearest, pairs, longest):
    """Join each group with its nearest stranger; longest as for join_listed, the others as for strangers_listed."""
    for own in range(nearest.size):
        if nearest[own] < np.inf:
            i = _group(parents, pairs[own, 0])
            j = _group(parents, pairs[own, 1])
            if i != j:
                parents[i] = j
                longest[cluster[own]] = max(longest[cluster[own]], nearest[own])


# ---- the shortest gap between clusters ----------------------------------------------------------


@kernel
def _closest_by_boxes(points, starts, roots, lower, upper, a, b, bound, pairs, gaps):
    """Smallest squared distance of points of clusters a and b, or bound if that is smaller."""
    leaves_a = (roots[a + 1] - roots[a] + 1) // 2
    leaves_b = (roots[b + 1] - roots[b] + 1) // 2
    pairs[0, 0] = 0
    pairs[0, 1] = 0
    gaps[0] = _gap_of_boxes(lower, upper, roots[a], roots[b])
    depth = 1
    while depth > 0:
        depth -= 1
        if gaps[depth] >= bound:
            continue
        u = pairs[depth, 0]
        v = pairs[depth, 1]
        if u >= leaves_a - 1 and v >= leaves_b - 1:
            head = starts[a] + (u - leaves_a + 1) * LEAF
            other = starts[b] + (v - leaves_b + 1) * LEAF
            for i in range(head, min(head + LEAF, starts[a + 1])):
                for j in range(other, min(other + LEAF, starts[b + 1])):
                    bound = min(bound, _square(points, i, j))
            continue
        # the larger of the two is opened: fewer nodes above it, more points below
        first = v >= leaves_b - 1 or (u < leaves_a - 1 and u <= v)
        low = depth
        for child in (1, 2):
            x = 2 * u + child if first else u
            y = v if first else 2 * v + child
            gap = _gap_of_boxes(lower, upper, roots[a] + x, roots[b] + y)
            if gap >= bound:
                continue
            pairs[depth, 0] = x
            pairs[depth, 1] = y
            gaps[depth] = gap
            depth += 1
        # the nearer pair last, so that it is opened first
        if depth == low + 2 and gaps[low] < gaps[low + 1]:
            gaps[low], gaps[low + 1] = gaps[low + 1], gaps[low]
            for side in (0, 1):
                pairs[low, side], pairs[low + 1, side] = pairs[low + 1, side], pairs[low, side]
    return bound


@kernel
def gaps_listed(points, ids, cluster, place, indices, squares):
    """Lower squares (k, k), above the diagonal, to the squared distances of listed points of two clusters.

    cluster (m,) of each point, the others as for member_squares.
    """
    for i in range(cluster.size):
        for rank in range(indices.shape[1]):
            j = place[indices[ids[i], rank]]
            if j >= 0 and cluster[j] != cluster[i]:
                low = min(cluster[i], cluster[j])
                high = max(cluster[i], cluster[j])
                squares[low, high] = min(squares[low, high], _square(points, i, j))


@kernel
def gaps_by_boxes(points, starts, roots, lower, upper, loosest, squares):
    """Lower squares to the squared distances of clusters, by the trees of boxes.

    loosest (k,): every point as near as this, squared, is listed for all points of a cluster.
    """
    k = starts.size - 1
    pairs = np.empty((STACK, 2), dtype=np.int64)
    gaps = np.empty(STACK)
    for a in range(k):
        for b in range(a + 1, k):
            if squares[a, b] > max(loosest[a], loosest[b]):
                squares[a, b] = _closest_by_boxes(points, starts, roots, lower, upper, a, b, squares[a, b], pairs, gaps)


@kernel
def gaps_by_projection(points, starts, loosest, squares):
    """The same as gaps_by_boxes in many dimensions."""
    m, d = points.shape
    k = starts.size - 1
    axis = np.empty(d)
    along = np.empty(m)
    near = np.empty(m, dtype=np.int64)
    members = np.empty(m, dtype=np.int64)
    for a in range(k):
        for b in range(a + 1, k):
            if squares[a, b] <= max(loosest[a], loosest[b]):
                continue
            count = 0
            for c in (a, b):
                for i in range(starts[c], starts[c + 1]):
                    members[count] = i
                    count += 1
            middle = starts[a + 1] - starts[a]
            squares[a, b] = _closest_by_projection(points, members, middle, count, squares[a, b], axis, along, near)[0]
