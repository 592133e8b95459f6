/* fault: named places where tests make the process die, to prove that dying there is harmless.
 *
 * Off unless the environment says CANDOR_FAULT=
 *   kill:N          SIGKILL this process at the Nth point it passes (1 = the first)
 *   kill:p=X:seed=S SIGKILL at each point with probability X, from seed S
 *   count           never dies; at exit writes the number of points passed to stderr
 * A point is put at every journal commit and every network border. It costs one load when off. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

extern int fault_armed; /* read by fault_point only; set once by fault_init */

void fault_init(void); /* reads CANDOR_FAULT; called first thing in main */
void fault_hit(const char *name);

/* Dies here when it is this point's turn. `name` is static: "store.commit.before". */
static inline void fault_point(const char *name)
{
    if (__builtin_expect(fault_armed, 0))
        fault_hit(name);
}

#endif
