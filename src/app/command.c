#include "app/command.h"

int command_run(int argc, char **argv)
{
    return argc > 1 && argv ? 2 : 0;
}
