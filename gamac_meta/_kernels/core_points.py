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
def _boxes(points, starts):
    """Trees of boxes, in heap order: where each cluster's nodes begin (k + 1,), lower and upper corners (nodes, d)."""
    d = points.shape[1]
    k = starts.size - 1
    roots = np.zeros(k + 1, dtype=np.int64)
    for c in range(k):
        leaves = 1
        while leaves * LEAF < starts[c + 1] - starts[c]:
            leaves *= 2
        roots[c + 1] = roots[c] + 2 * leaves - 1
    lower = np.full((roots[k], d), np.inf)
    upper = np.full((roots[k], d), -np.inf)
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
def _nearest_members(points, start, stop, root, leaves, lower, upper, i, best, nodes, gaps):
    """best (wanted,): the smallest squared distances of point i to others from start to stop, ascending."""
    wanted = best.size
    best[:] = np.inf
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
def core_points(points, ids, starts, place, indices, min_points):
    """(m,) whether a point is a core point: its min_points-th nearest in the cluster is no farther than
    the median, over the cluster, of the distance to the (2 min_points)-th.

    points (m, d) by cluster, starts (k + 1,); ids (m,) which of all points they are, place (n,) where
    those are among them or -1; indices (n, .) nearest others of all points. In a smaller cluster the
    farthest member takes the place of those that are not there.
    """
    m = points.shape[0]
    core = np.zeros(m, dtype=np.bool_)
    roots, lower, upper = _boxes(points, starts)
    nodes = np.empty(STACK, dtype=np.int64)
    gaps = np.empty(STACK)
    for c in range(starts.size - 1):
        start = starts[c]
        stop = starts[c + 1]
        if stop - start < 2:
            continue
        few = min(min_points, stop - start - 1)
        many = min(2 * min_points, stop - start - 1)
        best = np.empty(many)
        to_few = np.empty(stop - start)
        to_many = np.empty(stop - start)
        leaves = (roots[c + 1] - roots[c] + 1) // 2
        for i in range(start, stop):
            found = 0
            for near in indices[ids[i]]:
                j = place[near]
                if start <= j < stop:
                    found += 1
                    if found == few:
                        to_few[i - start] = _square(points, i, j)
                    if found == many:
                        to_many[i - start] = _square(points, i, j)
                        break
            if found < many:
                _nearest_members(points, start, stop, roots[c], leaves, lower, upper, i, best, nodes, gaps)
                to_few[i - start] = best[few - 1]
                to_many[i - start] = best[many - 1]
        # distances that differ by rounding only are equal
        limit = np.median(np.sqrt(to_many)) * (1.0 + 1e-12)
        for i in range(start, stop):
            core[i] = np.sqrt(to_few[i - start]) <= limit
    return core


# ---- the closest of two sets in many dimensions -------------------------------------------------


@kernel
def _nearest_of(points, i, others):
    """Which of others is nearest to point i."""
    nearest = others[0]
    least = np.inf
    for j in others:
        square = _square(points, i, j)
        if square < least:
            least = square
            nearest = j
    return nearest


@kernel
def _closest_by_projection(points, first, second, bound, along):
    """Smallest squared distance of points first (a,) and second (b,), and the pair; -1 if none is below bound.

    For many dimensions, where boxes overlap: only points near the others along the line between the two
    means can be the closest. along (m,) is scratch.
    """
    axis = np.zeros(points.shape[1])
    for i in first:
        for column in range(axis.size):
            axis[column] -= points[i, column] / first.size
    for j in second:
        for column in range(axis.size):
            axis[column] += points[j, column] / second.size
    length = 0.0
    for column in range(axis.size):
        length += axis[column] ** 2
    length = np.sqrt(length) if length > 0.0 else 1.0
    front = -np.inf
    foremost = first[0]
    for i in first:
        along[i] = 0.0
        for column in range(axis.size):
            along[i] += points[i, column] * axis[column] / length
        if along[i] > front:
            front = along[i]
            foremost = i
    for _ in range(2):
        other = _nearest_of(points, foremost, second)
        foremost = _nearest_of(points, other, first)
    pair = (-1, -1)
    square = _square(points, foremost, other)
    if square < bound:
        bound = square
        pair = (foremost, other)
    near = np.empty(second.size, dtype=np.int64)
    count = 0
    back = np.inf
    for j in second:
        along[j] = 0.0
        for column in range(axis.size):
            along[j] += points[j, column] * axis[column] / length
        back = min(back, along[j])
        if max(along[j] - front, 0.0) ** 2 < bound:
            near[count] = j
            count += 1
    for i in first:
        if max(back - along[i], 0.0) ** 2 >= bound:
            continue
        for j in near[:count]:
            if max(along[j] - along[i], 0.0) ** 2 < bound:
                square = _square(points, i, j)
                if square < bound:
                    bound = square
                    pair = (i, j)
    return bound, pair


# ---- the longest gap inside a cluster -----------------------------------------------------------


@kernel
def _group(parents, i):
    while parents[i] != i:
        parents[i] = parents[parents[i]]
        i = parents[i]
    return i


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
def longest_links(points, ids, starts, place, edges, indices, reach, by_boxes):
    """(k,) longest edge of the minimum spanning tree of each cluster's points.

    points, ids, starts, place and indices as for core_points; edges (n - 1, 2) of the spanning tree of
    all points: those with both ends in a cluster belong to its tree. What they leave apart is joined by
    rounds in which every group but the largest looks for its nearest stranger (Borůvka). reach (n,)
    distance to the last of indices. by_boxes: how to look for strangers that are not listed.
    """
    m = points.shape[0]
    k = starts.size - 1
    longest = np.zeros(k)
    parents = np.arange(m)
    cluster = np.empty(m, dtype=np.int64)
    for c in range(k):
        cluster[starts[c] : starts[c + 1]] = c
    for e in range(edges.shape[0]):
        i = place[edges[e, 0]]
        j = place[edges[e, 1]]
        if i >= 0 and j >= 0 and cluster[i] == cluster[j]:
            parents[_group(parents, i)] = _group(parents, j)
            longest[cluster[i]] = max(longest[cluster[i]], _square(points, i, j))
    roots, lower, upper = _boxes(points, starts)
    group = np.empty(m, dtype=np.int64)
    members = np.empty(m, dtype=np.int64)
    nearest = np.empty(m)
    pairs = np.empty((m, 2), dtype=np.int64)
    nodes = np.empty(STACK, dtype=np.int64)
    gaps = np.empty(STACK)
    along = np.empty(m)
    unsure = np.empty(m, dtype=np.bool_)
    for c in range(k):
        start = starts[c]
        stop = starts[c + 1]
        leaves = (roots[c + 1] - roots[c] + 1) // 2
        held = np.empty(2 * leaves - 1, dtype=np.int64)  # the one group of a node, -1 if it holds several
        while True:
            members[start:stop] = 0
            nearest[start:stop] = np.inf
            unsure[start:stop] = False
            largest = start
            for i in range(start, stop):
                group[i] = _group(parents, i)
                members[group[i]] += 1
                if members[group[i]] > members[largest]:
                    largest = group[i]
            if members[largest] == stop - start:
                break
            for v in range(2 * leaves - 2, -1, -1):
                if v < leaves - 1:
                    # an empty node holds what the one before it does
                    held[v] = held[2 * v + 1] if held[2 * v + 1] == held[2 * v + 2] else -1
                    continue
                head = start + (v - leaves + 1) * LEAF
                held[v] = group[min(head, stop - 1)]
                for i in range(head, min(head + LEAF, stop)):
                    if group[i] != held[v]:
                        held[v] = -1
            for i in range(start, stop):
                own = group[i]
                if own == largest:
                    continue
                stranger = -1
                for near in indices[ids[i]]:
                    j = place[near]
                    if start <= j < stop and group[j] != own:
                        stranger = j
                        break
                if stranger < 0 and reach[ids[i]] ** 2 < nearest[own]:
                    unsure[own] = True
                    if by_boxes:
                        stranger = _nearest_stranger(
                            points,
                            start,
                            stop,
                            roots[c],
                            leaves,
                            lower,
                            upper,
                            group,
                            held,
                            i,
                            nearest[own],
                            nodes,
                            gaps,
                        )
                if stranger >= 0:
                    square = _square(points, i, stranger)
                    if square < nearest[own]:
                        nearest[own] = square
                        pairs[own, 0] = i
                        pairs[own, 1] = stranger
            for own in range(start, stop):
                if unsure[own] and not by_boxes:
                    within = start + np.flatnonzero(group[start:stop] == own)
                    beyond = start + np.flatnonzero(group[start:stop] != own)
                    square, pair = _closest_by_projection(points, within, beyond, nearest[own], along)
                    if square < nearest[own]:
                        nearest[own] = square
                        pairs[own, 0] = pair[0]
                        pairs[own, 1] = pair[1]
                if nearest[own] < np.inf:
                    i = _group(parents, pairs[own, 0])
                    j = _group(parents, pairs[own, 1])
                    if i != j:
                        parents[i] = j
                        longest[c] = max(longest[c], nearest[own])
    return np.sqrt(longest)


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
def shortest_gaps(points, ids, starts, place, indices, reach, by_boxes):
    """(k, k) smallest distance between points of two clusters, zero on the diagonal.

    points, ids, starts, place, indices, reach and by_boxes as for longest_links.
    """
    m = points.shape[0]
    k = starts.size - 1
    squares = np.full((k, k), np.inf)
    loosest = np.full(k, np.inf)  # every pair nearer than this is listed
    for c in range(k):
        for i in range(starts[c], starts[c + 1]):
            loosest[c] = min(loosest[c], reach[ids[i]])
    cluster = np.empty(m, dtype=np.int64)
    for c in range(k):
        cluster[starts[c] : starts[c + 1]] = c
    for i in range(m):
        for near in indices[ids[i]]:
            j = place[near]
            if j >= 0 and cluster[j] != cluster[i]:
                square = _square(points, i, j)
                low = min(cluster[i], cluster[j])
                high = max(cluster[i], cluster[j])
                squares[low, high] = min(squares[low, high], square)
    roots, lower, upper = _boxes(points, starts)
    pairs = np.empty((STACK, 2), dtype=np.int64)
    gaps = np.empty(STACK)
    along = np.empty(m)
    for a in range(k):
        squares[a, a] = 0.0
        for b in range(a + 1, k):
            square = squares[a, b]
            if square > max(loosest[a], loosest[b]) ** 2:
                if by_boxes:
                    square = _closest_by_boxes(points, starts, roots, lower, upper, a, b, square, pairs, gaps)
                else:
                    first = np.arange(starts[a], starts[a + 1])
                    second = np.arange(starts[b], starts[b + 1])
                    square = _closest_by_projection(points, first, second, square, along)[0]
            squares[a, b] = square
            squares[b, a] = square
    return np.sqrt(squares)
