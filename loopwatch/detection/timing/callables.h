/* The memory of both kinds of objects that compiled.c makes: a TimedCallback, and what schedules_soon returns. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

enum { CALLBACK, ARGS, CONTEXT, LOOP, CLOCK_OF, CLOCK, OBJECTS };
enum { METHOD, IN_PYTHON, ATTRIBUTES, LATEST = CLOCK };
typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    PyObject *of[OBJECTS];
    double due_at;
    int is_threadsafe;
} Callable;

static int traverse(Callable *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    for (int index = 0; index < OBJECTS; index++) Py_VISIT(self->of[index]);
    return 0;
}

static int clear(Callable *self)
{
    for (int index = 0; index < OBJECTS; index++) Py_CLEAR(self->of[index]);
    return 0;
}

static void deallocate(Callable *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    clear(self);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static int is_cleared(Callable *self)
{
    if (self->of[CALLBACK] != NULL) return 0;
    PyErr_SetString(PyExc_ReferenceError, "the garbage collector has cleared this callback");
    return 1;
}

/* Takes references to the objects, of which any may be NULL. */
static PyObject *new_callable(PyTypeObject *type, vectorcallfunc call, PyObject *const *objects, double due_at)
{
    Callable *self = PyObject_GC_New(Callable, type);
    if (self == NULL) return NULL;
    self->call = call;
    for (int index = 0; index < OBJECTS; index++) self->of[index] = Py_XNewRef(objects[index]);
    self->due_at = due_at;
    self->is_threadsafe = 0;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}
